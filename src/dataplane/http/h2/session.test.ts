import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  dataOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  untilSent,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG } from "./frames.ts";

describe("a session of HTTP/2", () => {
  it("answers a GET, and the next one over the same connection to the endpoint", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, requestFieldsOf({ accept: "x" })));
    assert.equal(http.endpoint().take(), "GET / HTTP/1.1\r\nhost: a\r\naccept: x\r\n\r\n");
    await http.endpoint().send(answerOf("whole", "X-A: 1", "Connection: x-b", "X-B: 2"));
    await untilSent();
    assert.deepEqual(client.headOf(1), [
      ":status: 200",
      "date: now",
      "x-a: 1",
      "content-length: 5",
    ]);
    assert.equal(client.bodyOf(1), "whole");
    assert.equal(client.frames().at(-1)?.flags, FLAG.endStream);
    await client.send(headersOf(3, requestFieldsOf({ ":path": "/2" })));
    assert.equal(http.endpoints.length, 1);
    await http.endpoint().send(answerOf(""));
    await untilSent();
    assert.equal(client.bodyOf(3), "");
    assert.deepEqual(http.outcomes(), ["completed", "completed"]);
    await client.peer.close();
    await http.assertBase();
  });

  it("sends a body in chunks if its length is not known", async () => {
    const http = await MemoryHttp.start();
    const post = requestFieldsOf({ ":method": "POST" });
    const client = await Http2Client.connect(http, headersOf(1, post, 0), dataOf(1, "abc"));
    await client.send(dataOf(1, "de", FLAG.endStream));
    assert.equal(
      http.endpoint().take(),
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    await http.endpoint().send(answerOf("ok"));
    await untilSent();
    assert.equal(client.bodyOf(1), "ok");
    await client.peer.close();
    await http.assertBase();
  });

  it("refuses an escape of the path without two digits, and forwards one of the query", async () => {
    const http = await MemoryHttp.start();
    const bad = requestFieldsOf({ ":path": "/100%?a" });
    const client = await Http2Client.connect(http, headersOf(1, bad));
    assert.deepEqual(client.resetsOf(1), [ERROR.protocol]);
    assert.equal(http.endpoints.length, 0);
    await client.send(headersOf(3, requestFieldsOf({ ":path": "/%2f?100%" })));
    assert.match(http.endpoint().take(), /^GET \/%2f\?100% HTTP\/1\.1\r\n/);
    await http.endpoint().send(answerOf("ok"));
    await untilSent();
    await client.peer.close();
    await http.assertBase();
  });
});
