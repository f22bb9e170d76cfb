import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

// The example of RFC 6455 section 1.3.
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const fields = [
  "upgrade: websocket",
  "connection: keep-alive, Upgrade",
  `sec-websocket-key: ${key}`,
  "sec-websocket-version: 13",
];
const request = requestOf("GET /chat", ...fields);
const forwarded = requestOf(
  "GET /chat",
  `sec-websocket-key: ${key}`,
  "sec-websocket-version: 13",
  "connection: Upgrade",
  "upgrade: websocket",
);
const switching = (value = accept): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: x, upgrade\r\nSec-WebSocket-Accept: ${value}\r\n\r\n`;
const switched = `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${accept}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`;

describe("an upgrade to a WebSocket", () => {
  for (const lends of [false, true]) {
    it(`relays bytes after the 101, and forwards none before it${lends ? ", in lent chunks" : ""}`, async () => {
      const http = await MemoryHttp.start({ lends });
      const client = await http.send(`${request}early`);
      const endpoint = http.endpoint();
      assert.equal(endpoint.take(), forwarded);
      await client.send(" bytes");
      assert.equal(endpoint.received, "");
      await endpoint.send(`${switching()}hello`);
      assert.equal(client.take(), `${switched}hello`);
      assert.equal(endpoint.take(), "early bytes");
      await client.send("one");
      await endpoint.send("two");
      assert.deepEqual([endpoint.take(), client.take()], ["one", "two"]);
      assert.equal(http.memory.plane.http.openEndpoints, 0);
      await client.close();
      assert.ok(endpoint.hasEnded);
      await endpoint.close();
      assert.ok(client.isClosed);
      assert.deepEqual(http.outcomes(), ["upgraded"]);
      assert.equal(http.memory.exchanges[0]?.bodyBytesToClient, "hellotwo".length);
      // A connection with a request has no line of its own.
      assert.deepEqual(http.memory.outcomes(), []);
      await http.assertBase();
    });
  }

  it("opens with the fields of the endpoint, whatever the director sets and removes", async () => {
    const name = "Sec-WebSocket-Accept";
    for (const responseFields of [
      { set: [[name, "ours"]], remove: [] },
      { set: [], remove: [name.toLowerCase()] },
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start({ http: { responseFields, hsts: "max-age=60" } });
      // oxlint-disable-next-line no-await-in-loop
      const client = await http.send(request);
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(switching());
      assert.equal(client.take(), switched);
      // oxlint-disable-next-line no-await-in-loop
      await client.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("may be idle for an hour", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(request);
    await http.endpoint().send(switching());
    await http.advance(3_599_000);
    await client.send("still here");
    assert.equal(http.endpoint().received, forwarded + "still here");
    await http.advance(3_600_200);
    assert.ok(client.isClosed && http.endpoint().isClosed);
    // A connection with a request has no line of its own.
    assert.deepEqual(http.memory.outcomes(), []);
    await http.assertBase();
  });

  it("may come over an endpoint connection that belongs to the client connection", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf("", "www-authenticate: NTLM"));
    await client.send(request);
    await http.endpoint().send(switching());
    await client.send("x");
    assert.ok(http.endpoint().received.endsWith("x"));
    await client.close();
    await http.endpoint().close();
    await http.assertBase();
  });

  it("may come over a connection of the pool, which then leaves it", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf(""));
    await client.send(request);
    assert.equal(http.endpoints.length, 1);
    await http.endpoint().send(switching());
    await client.send("x");
    assert.ok(http.endpoint().received.endsWith("x"));
    const other = await http.send(requestOf("GET /"));
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf(""));
    await other.close();
    await client.close();
    await http.endpoint(0).close();
    await http.assertBase();
  });

  const bad = [
    ["another key", switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")],
    ["no Sec-WebSocket-Accept", switching().replace(/Sec-WebSocket-Accept.*\r\n/, "")],
    ["two of them", switching().replace("\r\n\r\n", `\r\nsec-websocket-accept: ${accept}\r\n\r\n`)],
    ["another protocol", switching().replace("WebSocket", "h2c")],
    ["no Connection", switching().replace(/Connection.*\r\n/, "")],
  ] as const;
  for (const [title, answer] of bad) {
    it(`is refused with 502 if the 101 has ${title}`, async () => {
      const http = await MemoryHttp.start();
      const client = await http.send(request);
      await http.endpoint().send(answer);
      assert.match(client.received, /^HTTP\/1\.1 502 /);
      assert.equal(http.endpoint().failure, "reset");
      assert.deepEqual(http.outcomes(), ["bad-answer"]);
      await client.close();
      await http.assertBase();
    });
  }

  it("is an ordinary request if the endpoint answers something else", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(request + requestOf("GET /next"));
    await http.endpoint().send(answerOf("no"));
    assert.equal(http.endpoint().received, forwarded + requestOf("GET /next"));
    await http.endpoint().send(answerOf("next"));
    assert.equal(client.received, answerOf("no") + answerOf("next"));
    await client.close();
    assert.deepEqual(http.outcomes(), ["completed", "completed"]);
    await http.assertBase();
  });
});

describe("an upgrade that is not forwarded", () => {
  const cases = [
    [
      "to h2c",
      "GET /",
      ["upgrade: h2c", "connection: upgrade, http2-settings", "http2-settings: AAMA"],
    ],
    ["to several", "GET /", ["upgrade: websocket, h2c", "connection: upgrade"]],
    ["of a POST", "POST /", ["upgrade: websocket", "connection: upgrade", "content-length: 0"]],
    ["without a key", "GET /", ["upgrade: websocket", "connection: upgrade"]],
    ["with HTTP2-Settings only", "GET /", ["http2-settings: AAMA"]],
    ["without Connection", "GET /", fields.filter((field) => !field.startsWith("connection"))],
    ["without a version", "GET /", fields.filter((field) => !field.includes("version"))],
  ] as const;
  for (const [title, line, more] of cases) {
    it(`is that ${title}: the request is an ordinary one`, async () => {
      const http = await MemoryHttp.start();
      const client = await http.send(requestOf(line, ...more));
      const { received } = http.endpoint();
      assert.match(received, /^(?:GET|POST) \/ HTTP\/1\.1\r\nhost: a\r\n/);
      assert.doesNotMatch(received, /upgrade|http2-settings|connection/i);
      await http.endpoint().send(answerOf("x"));
      assert.equal(client.received, answerOf("x"));
      await client.close();
      await http.assertBase();
    });
  }

  for (const versions of [["12"], ["13, 8"], ["13", "8"], [""]]) {
    it(`is refused if its version is ${JSON.stringify(versions)}: the client learns which one to use`, async () => {
      const http = await MemoryHttp.start();
      const others = fields.filter((field) => !field.includes("version"));
      const lines = versions.map((version) => `sec-websocket-version: ${version}`);
      const client = await http.send(requestOf("GET /", ...others, ...lines));
      assert.match(client.received, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
      for (const line of [
        "connection: close, upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
      ]) {
        assert.ok(client.received.includes(`\r\n${line}\r\n`), line);
      }
      assert.equal(http.endpoints.length, 0);
      await client.close();
      await http.assertBase();
    });
  }

  it("is one with a body: the body is passed on", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${requestOf("GET /", ...fields, "content-length: 4")}body`);
    assert.doesNotMatch(http.endpoint().received, /upgrade:/i);
    assert.match(http.endpoint().received, /content-length: 4\r\n\r\nbody$/);
    await http.endpoint().send(switching());
    assert.match(client.received, /^HTTP\/1\.1 502 /);
    await client.close();
    await untilQuiet();
    await http.assertBase();
  });
});
