import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "./parse-document.ts";

/** Returns the problems of a listener with these fields. */
function placesOf(responseFields: object): readonly string[] {
  const listener = { port: 443, mode: "http", to: 80, certificates: ["shop"], responseFields };
  const vnics = { front: { ip: "198.51.100.1", listeners: [listener] } };
  const { problems } = parseDocument({
    servers: { "web-1": { address: "192.0.2.1" } },
    profiles: { shop: { servers: ["web-1"], vnics } },
    certificates: { shop: { chain: "shop.pem" } },
  });
  const prefix = "profiles.shop.vnics.front.listeners[0].responseFields.";
  return problems.map(({ code, path }) => `${code} ${path.replace(prefix, "")}`);
}

test("the name of a field is a token", () => {
  assert.deepEqual(placesOf({ set: { "!#$%&'*+.^_`|~0aZ-": "x" }, remove: ["x.y"] }), []);
  for (const name of ["", "a b", "a:", "a\r\nb", "a(b", "\u00e9", "a".repeat(129)]) {
    const [place = "", ...others] = placesOf({ set: { [name]: "x" } });
    assert.match(place, /^bad-field-name set/, JSON.stringify(name));
    assert.deepEqual(others, []);
    assert.deepEqual(placesOf({ remove: [name] }), ["bad-field-name remove[0]"], name);
  }
});

test("the value of a field has nothing that ends it", () => {
  for (const value of ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\0", "\u007f", " a", "a ", "\t"]) {
    assert.deepEqual(placesOf({ set: { "X-A": value } }), ["bad-value set.X-A"]);
  }
  assert.deepEqual(placesOf({ set: { "X-A": "caf\u00e9" } }), ["bad-value set.X-A"]);
  assert.deepEqual(placesOf({ set: { "X-A": 1 } }), ["bad-value set.X-A"]);
});

test("fields that frame an answer or upgrade are refused, in any case and with `_`", () => {
  for (const name of [
    ...["Connection", "content-length", "DATE", "Keep-Alive", "Proxy-Connection", "TE"],
    ...["Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"],
    ...["Transfer_Encoding", "content_length", "Keep_Alive"],
    ...["Sec-WebSocket-Accept", "sec-websocket-protocol", "SEC_WebSocket-Extensions"],
  ]) {
    assert.deepEqual(placesOf({ set: { [name]: "x" } }), [`forbidden-field set.${name}`]);
    assert.deepEqual(placesOf({ remove: [name] }), ["forbidden-field remove[0]"]);
  }
});

test("a field whose name only resembles such a field may be set", () => {
  const set = { X_Date: "x", "Sec-WebSocket": "x", Sec_Fetch: "x", "Content-Length-Range": "x" };
  assert.deepEqual(placesOf({ set }), []);
});

test("a field is set or removed once", () => {
  assert.deepEqual(placesOf({ set: { "X-A": "1", "x-a": "2" } }), ["bad-value set.x-a"]);
  assert.deepEqual(placesOf({ set: { "X-A": "1" }, remove: ["x-a"] }), ["bad-value remove[0]"]);
  assert.deepEqual(placesOf({ remove: ["X-A", "x-a"] }), ["bad-value remove[1]"]);
});

test("the number of fields and their size are bounded", () => {
  const names = Array.from({ length: 65 }, (_, at) => `x-${at}`);
  const fields = (count: number, value: string): object =>
    Object.fromEntries(names.slice(0, count).map((name) => [name, value]));
  assert.deepEqual(placesOf({ set: fields(64, "x") }), []);
  assert.deepEqual(placesOf({ set: fields(65, "x") }), ["bad-value set"]);
  assert.deepEqual(placesOf({ remove: names.slice(0, 64) }), []);
  assert.deepEqual(placesOf({ remove: names }), ["bad-value remove"]);
  assert.deepEqual(placesOf({ set: { "x-0": "x".repeat(4_096) } }), []);
  assert.deepEqual(placesOf({ set: { "x-0": "x".repeat(4_097) } }), ["bad-value set.x-0"]);
  // A name, a colon, a space, a value and a line break.
  const filling = { ...fields(3, "x".repeat(4_096)), "y-0": "x".repeat(4_068) };
  assert.deepEqual(placesOf({ set: filling }), []);
  assert.deepEqual(placesOf({ set: { ...filling, "y-0": "x".repeat(4_069) } }), ["bad-value set"]);
});
