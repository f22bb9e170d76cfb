import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

/** The key of the endpoint (endpointKeyOf). */
const KEY = "127.0.0.2:1";
const get = requestOf("GET /");
const post = requestOf("POST /", "content-length: 0");
const postWithBody = `${requestOf("PUT /", "content-length: 1")}x`;

/** Has a client make an exchange, so that a connection is in the pool. */
async function fillPool(http: MemoryHttp): Promise<void> {
  const client = await http.send(get);
  await http.endpoint().send(answerOf(""));
  await client.close();
  http.endpoint().take();
  assert.equal(http.memory.plane.http.pools.idleCount, 1);
}

describe("an idle connection to an endpoint", () => {
  it("serves the next request of another client, the last used first", async () => {
    const http = await MemoryHttp.start();
    const clients = [await http.send(get), await http.send(get)];
    await http.endpoint(0).send(answerOf("0"));
    await http.endpoint(1).send(answerOf("1"));
    for (const peer of http.endpoints) peer.take();
    const third = await http.send(get);
    assert.deepEqual(
      http.endpoints.map((peer) => peer.received),
      ["", get],
    );
    await http.endpoint(1).send(answerOf("third"));
    assert.equal(third.received, answerOf("third"));
    for (const client of [...clients, third]) {
      // oxlint-disable-next-line no-await-in-loop
      await client.close();
    }
    await http.assertBase();
  });

  it("is closed after 4 s, or what is set", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    await http.advance(3_400);
    assert.ok(!http.endpoint().hasEnded);
    await http.advance(1_200);
    assert.ok(http.endpoint().hasEnded);
    await http.assertBase();
  });

  it("is not used when it is too old, before it is closed", async () => {
    const http = await MemoryHttp.start({
      http: { pool: { reuse: "safe", idleMs: 150, maxIdle: 8 } },
    });
    await fillPool(http);
    await http.advance(200);
    const client = await http.send(get);
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });

  it("is used for a shorter time if the endpoint says so", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    await http.endpoint().send(answerOf("", "keep-alive: timeout=2, max=5"));
    await http.advance(1_900);
    await client.send(get);
    assert.equal(http.endpoints.length, 1);
    await http.endpoint().send(answerOf("", "keep-alive: timeout=2"));
    await http.advance(2_100);
    await client.send(get);
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });

  it("is closed by any byte that comes, and a client never gets it", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    await http.endpoint().send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
    assert.ok(http.endpoint().hasEnded);
    const client = await http.send(get);
    assert.equal(client.received, "");
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });

  it("is closed when the endpoint closes it, or breaks off", async () => {
    for (const end of ["end", "reset"] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      await fillPool(http);
      http.endpoint().socket[end]();
      // oxlint-disable-next-line no-await-in-loop
      await untilQuiet();
      assert.ok(http.endpoint().isClosed);
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("is not kept by more than the number that is set", async () => {
    const http = await MemoryHttp.start({
      http: { pool: { reuse: "safe", idleMs: 4_000, maxIdle: 1 } },
    });
    const clients = [await http.send(get), await http.send(get)];
    for (const peer of http.endpoints) {
      // oxlint-disable-next-line no-await-in-loop
      await peer.send(answerOf(""));
    }
    assert.deepEqual(
      http.endpoints.map(({ hasEnded }) => hasEnded),
      [false, true],
    );
    for (const client of clients) client.socket.end();
    await http.assertBase();
  });

  it("is closed when no listener has its settings any more", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    http.memory.plane.http.pools.keepOnly(new Set([http.listener.rules.poolScope]), new Set([KEY]));
    assert.equal(http.memory.plane.http.pools.idleCount, 1);
    // A connection in use belongs to the pool as well.
    const client = await http.send(get);
    http.memory.plane.http.pools.keepOnly(new Set(), new Set([KEY]));
    await http.endpoint().send(answerOf("whole"));
    assert.equal(client.received, answerOf("whole"));
    assert.ok(http.endpoint().hasEnded);
    await client.close();
    await http.assertBase();
  });
});

describe("the first request of a client connection", () => {
  for (const [title, request] of [
    ["a method that is not idempotent", post],
    ["a body", postWithBody],
  ] as const) {
    it(`never uses an idle connection if it has ${title}`, async () => {
      const http = await MemoryHttp.start();
      await fillPool(http);
      const client = await http.send(request);
      assert.deepEqual([http.endpoint(0).received, http.endpoint(1).received], ["", request]);
      await http.endpoint(1).send(answerOf("1"));
      http.endpoint(1).take();
      await client.send(request);
      assert.equal(http.endpoints.length, 2);
      assert.equal(http.endpoint(1).received, request);
      await http.endpoint(1).send(answerOf("2"));
      assert.equal(client.received, answerOf("1") + answerOf("2"));
      await client.close();
      await http.assertBase();
    });
  }

  it("uses one whatever it is if the listener says always", async () => {
    const http = await MemoryHttp.start({
      http: { pool: { reuse: "always", idleMs: 4_000, maxIdle: 8 } },
    });
    await fillPool(http);
    const client = await http.send(post);
    assert.equal(http.endpoint(0).received, post);
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });
});

describe("a request whose connection the endpoint closes before its answer", () => {
  for (const end of ["end", "reset"] as const) {
    it(`is sent once more on a new connection, if it may be repeated (${end})`, async () => {
      const http = await MemoryHttp.start({ lends: true });
      await fillPool(http);
      await fillPool(http);
      const client = await http.send(get + requestOf("GET /2"));
      assert.equal(http.endpoint(0).take(), get);
      http.endpoint(0).socket[end]();
      await untilQuiet();
      assert.equal(http.endpoints.length, 2);
      assert.equal(http.endpoint(1).take(), get);
      await http.endpoint(1).send(answerOf("1"));
      assert.equal(http.endpoint(1).take(), requestOf("GET /2"));
      await http.endpoint(1).send(answerOf("2"));
      assert.equal(client.received, answerOf("1") + answerOf("2"));
      http.memory.outcomes();
      assert.deepEqual(
        http.memory.exchanges.slice(-2).map(({ retried }) => retried),
        [true, undefined],
      );
      await client.close();
      await http.assertBase();
    });
  }

  it("is not sent a third time", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    const client = await http.send(get);
    for (const at of [0, 1]) {
      http.endpoint(at).socket.reset();
      // oxlint-disable-next-line no-await-in-loop
      await untilQuiet();
    }
    assert.equal(http.endpoints.length, 2);
    assert.match(client.received, /^HTTP\/1\.1 502 [^]*\r\nconnection: close\r\n/);
    await client.close();
    await http.assertBase();
  });

  it("is not sent twice if a byte of the answer has come", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    const client = await http.send(get);
    await http.endpoint().send("H");
    http.endpoint().socket.reset();
    await untilQuiet();
    assert.equal(http.endpoints.length, 1);
    assert.match(client.received, /^HTTP\/1\.1 502 [^]*\r\nconnection: close\r\n/);
    await client.close();
    await http.assertBase();
  });

  it("is not sent twice on a connection that has served none before", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    http.endpoint().socket.reset();
    await untilQuiet();
    assert.equal(http.endpoints.length, 1);
    assert.match(client.received, /^HTTP\/1\.1 502 /);
    await client.close();
    await http.assertBase();
  });

  for (const request of [post, postWithBody]) {
    it(`is answered with 502 and the close if it may not be repeated: ${request.slice(0, 4)}`, async () => {
      const http = await MemoryHttp.start();
      const client = await http.send(get);
      await http.endpoint().send(answerOf("1"));
      client.take();
      http.endpoint().take();
      await client.send(request);
      assert.equal(http.endpoint().received, request);
      http.endpoint().socket.end();
      await untilQuiet();
      assert.match(client.received, /^HTTP\/1\.1 502 [^]*\r\nconnection: close\r\n/);
      assert.ok(client.hasEnded);
      assert.equal(http.endpoints.length, 1);
      assert.deepEqual(http.outcomes(), ["completed", "endpoint-broke-off"]);
      await client.close();
      await http.assertBase();
    });
  }

  it("is answered with 503 if the new connection fails", async () => {
    const http = await MemoryHttp.start();
    await fillPool(http);
    const client = await http.send(get);
    http.memory.wire.silentAddresses.add("127.0.0.2:1");
    http.endpoint().socket.reset();
    await untilQuiet();
    assert.equal(client.received, "");
    await http.advance(5_100);
    assert.match(client.received, /^HTTP\/1\.1 503 /);
    assert.deepEqual(http.outcomes(), ["completed", "endpoint-failed"]);
    await client.close();
    await http.assertBase();
  });
});

describe("a connection to an endpoint that belongs to one client connection", () => {
  const answers = [
    ["the answer challenged with NTLM", get, answerOf("", "www-authenticate: NTLM")],
    ["the answer challenged with Negotiate", get, answerOf("", "WWW-Authenticate: Negotiate abc")],
    [
      "the request carried Negotiate",
      requestOf("GET /", "authorization: Negotiate abc"),
      answerOf(""),
    ],
  ] as const;
  for (const [title, request, answer] of answers) {
    it(`is never used for another client: ${title}`, async () => {
      const http = await MemoryHttp.start();
      const client = await http.send(request);
      await http.endpoint().send(answer);
      const other = await http.send(get);
      assert.equal(http.endpoints.length, 2);
      await http.endpoint(1).send(answerOf("other"));
      http.endpoint(0).take();
      await client.send(post);
      assert.equal(http.endpoint(0).take(), post);
      await http.endpoint(0).send(answerOf("same"));
      assert.equal(other.received, answerOf("other"));
      // It ends with the client connection, and not before.
      await http.advance(10_000);
      assert.ok(!http.endpoint(0).hasEnded);
      await client.close();
      assert.ok(http.endpoint(0).hasEnded);
      await other.close();
      await http.assertBase();
    });
  }

  it("has the PROXY header of that client", async () => {
    const http = await MemoryHttp.start({ spec: { proxyProtocol: "v1" } });
    const first = await http.send(get);
    const second = await http.send(get);
    const ports = [first, second].map(({ socket }) => socket.localPort);
    for (const at of [0, 1]) {
      assert.equal(
        http.endpoint(at).take(),
        `PROXY TCP4 192.0.2.1 127.0.0.1 ${ports[at] ?? 0} 1\r\n${get}`,
      );
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint(at).send(answerOf(`${at}`));
    }
    await second.send(post);
    assert.equal(http.endpoint(1).take(), post);
    await http.endpoint(1).send(answerOf("2"));
    assert.equal(second.received, answerOf("1") + answerOf("2"));
    const third = await http.send(get);
    assert.equal(http.endpoints.length, 3);
    await http.endpoint().send(answerOf("3"));
    assert.equal(third.received, answerOf("3"));
    for (const client of [first, second, third]) client.socket.end();
    await untilQuiet();
    assert.equal(http.memory.plane.http.pools.idleCount, 0);
    await http.assertBase();
  });

  it("is not kept when it closes, and another one is opened", async () => {
    const http = await MemoryHttp.start({ spec: { proxyProtocol: "v2" } });
    const client = await http.send(get);
    await http.endpoint().send(answerOf("1"));
    await http.endpoint().close();
    await client.send(post);
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf("2"));
    assert.equal(client.received, answerOf("1") + answerOf("2"));
    await client.close();
    await http.assertBase();
  });

  it("is not used again if the settings of the listener have changed", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    await http.endpoint().send(answerOf("", "www-authenticate: Negotiate"));
    http.memory.plane.http.pools.keepOnly(new Set(), new Set([KEY]));
    await client.send(get);
    assert.equal(http.endpoints.length, 2);
    assert.ok(http.endpoint(0).hasEnded);
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });
});
