import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, linesOf } from "#harness/parsed-heads.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

/** The lines of a request after Host. Those that are not forwarded start with `-`. */
const requestLines = (...lines: readonly string[]): readonly string[] => {
  const parser = new RequestParser();
  const bytes = bytesOf(["GET / HTTP/1.1", "Host: a", ...lines, "", ""].join("\r\n"));
  assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
  return linesOf(parser.fields).slice(1);
};

describe("a field that is not forwarded", () => {
  it("is one of the hop-by-hop fields", () => {
    const lines = [
      ...["Connection: close", "Keep-Alive: timeout=1", "Proxy-Connection: x", "TE: trailers"],
      ...["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Proxy-Authorization: Basic eA=="],
      ...["Content_Length: 5", "Transfer_Encoding: chunked", "Transfer-Encoding: chunked"],
    ];
    assert.ok(requestLines(...lines).every((line) => line.startsWith("-")));
    const others = ["Trailer: x", "Content-Type: a", "Authorization: Basic eA==", "A: b"];
    assert.ok(requestLines(...others).every((line) => !line.startsWith("-")));
  });

  it("is one that Connection names, wherever it stands", () => {
    assert.deepEqual(
      requestLines("Foo: 1", "Connection: foo ,\tBAR, ,", "bar: 2", "Foo: 3", "Foo-: 4", "Fo: 5"),
      ["-foo: 1", "-connection: foo ,\tBAR, ,", "-bar: 2", "-foo: 3", "foo-: 4", "fo: 5"],
    );
    assert.deepEqual(
      requestLines("Connection: close, x-a", "X-A: 1", "Connection: x-b", "X-B: 2", "X_A: 3"),
      ["-connection: close, x-a", "-x-a: 1", "-connection: x-b", "-x-b: 2", "x_a: 3"],
    );
  });

  it("is never Host or Content-Length", () => {
    const parser = new RequestParser();
    const text =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: host, content-length\r\nContent-Length: 3\r\n\r\n";
    const bytes = bytesOf(text);
    assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
    assert.deepEqual(linesOf(parser.fields), [
      "host: a",
      "-connection: host, content-length",
      "content-length: 3",
    ]);
    assert.equal(parser.bodyLength, 3);
  });

  it("is marked in answers too, and not in the next head", () => {
    const parser = new ResponseParser();
    const parse = (...lines: readonly string[]): readonly string[] => {
      const bytes = bytesOf(["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n"));
      assert.equal(parser.parse(bytes, 0, bytes.length, false), "whole");
      return linesOf(parser.fields);
    };
    assert.deepEqual(parse("A: 1", "Connection: A,\r\n b", "B: 2", "Proxy-Authenticate: x"), [
      "-a: 1",
      "-connection: A,   b",
      "-b: 2",
      "-proxy-authenticate: x",
    ]);
    assert.deepEqual(parse("A: 1", "Connection: close", "B: 2"), [
      "a: 1",
      "-connection: close",
      "b: 2",
    ]);
  });
});
