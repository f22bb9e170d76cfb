import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headersOf, Http2Client, requestFieldsOf, untilSent } from "#harness/http2-client.ts";
import { answerOf, closing, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import type { MemoryPeer } from "#harness/memory-plane.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import { FRAME } from "../h2/frames.ts";

/** Asserts that the client got this status and the end. */
async function assertRefused(client: MemoryPeer, status: number): Promise<void> {
  await untilQuiet();
  assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} [^]*\r\nconnection: close\r\n`));
  assert.ok(client.hasEnded);
  await client.close();
}

/** Sends parts of a text, with a pause before each. */
async function trickle(
  http: MemoryHttp,
  peer: MemoryPeer,
  parts: readonly string[],
  ms: number,
): Promise<void> {
  for (const part of parts) {
    // oxlint-disable-next-line no-await-in-loop
    await http.advance(ms);
    // oxlint-disable-next-line no-await-in-loop
    await peer.send(part);
  }
}

describe("the time for a head", () => {
  it("ends with 408 after 15 s, also if bytes arrive all the time", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send("GET / HTTP/1.1\r\n");
    await trickle(
      http,
      client,
      Array.from({ length: 14 }, () => "x: y\r\n"),
      1_000,
    );
    assert.equal(client.received, "");
    await http.advance(1_100);
    await assertRefused(client, 408);
    assert.deepEqual(http.outcomes(), ["head-timeout"]);
    await http.assertBase();
  });

  it("begins for a later request with its first byte", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf(""));
    client.take();
    await http.advance(70_000);
    await client.send("GET /");
    await http.advance(14_000);
    assert.equal(client.received, "");
    await http.advance(1_100);
    await assertRefused(client, 408);
    await http.assertBase();
  });

  it("ends without an answer for a client that has sent nothing", async () => {
    const http = await MemoryHttp.start();
    const client = await http.connect();
    await http.advance(15_100);
    assert.equal(client.received, "");
    assert.ok(client.hasEnded);
    await client.close();
    await http.assertBase();
  });
});

describe("an idle connection", () => {
  it("is closed after the time that is set", async () => {
    const http = await MemoryHttp.start({ http: { keepAliveMs: 20_000 } });
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf(""));
    await http.advance(19_900);
    assert.ok(!client.hasEnded);
    await http.advance(200);
    assert.ok(client.hasEnded);
    await client.close();
    await http.assertBase();
  });
});

describe("no time between requests", () => {
  it("makes the answer the last of its connection", async () => {
    const http = await MemoryHttp.start({ http: { keepAliveMs: 0 } });
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf("ok"));
    await untilQuiet();
    assert.equal(client.received, closing(answerOf("ok")));
    assert.ok(client.hasEnded);
    await client.close();
    await http.assertBase();
  });

  it("leaves a client of HTTP/2 the time for a head until its first request", async () => {
    const http = await MemoryHttp.start({ http: { keepAliveMs: 0 } });
    const client = await Http2Client.connect(http);
    await http.advance(9_000);
    await client.send(headersOf(1, requestFieldsOf()));
    await http.endpoint().send(answerOf("ok"));
    await untilSent();
    assert.equal(client.bodyOf(1), "ok");
    await http.advance(200);
    await untilSent();
    assert.equal(client.framesOfType(FRAME.goaway).length, 1);
    await client.peer.close();
    await http.assertBase();
  });
});

describe("the least rate of a body with Content-Length", () => {
  const head = requestOf("POST /", "content-length: 1000000");

  it("is 30 KiB in 30 s, and then the client gets 408", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    await client.send("x".repeat(30 * 1024));
    await http.advance(30_100);
    assert.equal(client.received, "");
    await client.send("x".repeat(30 * 1024 - 1));
    await http.advance(30_100);
    await assertRefused(client, 408);
    assert.deepEqual(http.outcomes(), ["body-too-slow"]);
    assert.equal(http.endpoint().failure, "reset");
    await http.assertBase();
  });

  it("does not apply while the endpoint takes nothing, which is idle only after 300 s", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    http.endpoint().socket.pause();
    await client.send("x".repeat(200_000));
    await http.advance(200_000);
    assert.equal(client.received, "");
    http.endpoint().socket.resume();
    await untilQuiet();
    // It applies again now.
    await http.advance(30_100);
    await assertRefused(client, 408);
    await http.assertBase();
  });

  it("leaves a client whose endpoint takes nothing for 300 s with 504", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    http.endpoint().socket.pause();
    await client.send("x".repeat(200_000));
    await http.advance(300_200);
    await assertRefused(client, 504);
    assert.deepEqual(http.outcomes(), ["idle"]);
    await http.assertBase();
  });

  it("does not apply to a chunked body, which may pause for 300 s", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("POST /", "transfer-encoding: chunked"));
    await trickle(http, client, ["1\r\nx\r\n", "1\r\nx\r\n"], 290_000);
    assert.equal(client.received, "");
    await http.advance(300_200);
    await assertRefused(client, 408);
    await http.assertBase();
  });
});

describe("the time for an answer", () => {
  it("is 60 s from the whole request to the first byte, and then the client gets 504", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("POST /", "content-length: 4"));
    await http.advance(20_000);
    await client.send("body");
    await http.advance(59_900);
    assert.equal(client.received, "");
    await http.advance(200);
    assert.match(client.take(), /^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    assert.equal(http.endpoint().failure, "reset");
    assert.deepEqual(http.outcomes(), ["answer-timeout"]);
    // The request was whole, so the connection goes on.
    await client.send(requestOf("GET /2"));
    await http.endpoint().send(answerOf("2"));
    assert.equal(client.received, answerOf("2"));
    await client.close();
    await http.assertBase();
  });

  it("begins anew with an interim answer, but not with a 100", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    const parts = ["102 Processing", "103 Early Hints"].map((line) => `HTTP/1.1 ${line}\r\n\r\n`);
    await trickle(http, http.endpoint(), parts, 50_000);
    assert.equal(client.take(), parts.join(""));
    await trickle(http, http.endpoint(), ["HTTP/1.1 100 Continue\r\n\r\n"], 50_000);
    assert.equal(client.received, "");
    await http.advance(10_100);
    assert.match(client.take(), /^HTTP\/1\.1 504 /);
    assert.deepEqual(http.outcomes(), ["answer-timeout"]);
    await client.close();
    await http.assertBase();
  });

  it("is 300 s between two bytes of it, and then the client sees that it is not whole", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    await trickle(http, http.endpoint(), ["1", "2", "3"], 299_000);
    assert.ok(client.received.endsWith("123"));
    await http.advance(300_200);
    await untilQuiet();
    assert.ok(client.hasEnded && client.received.endsWith("123"));
    assert.deepEqual(http.outcomes(), ["idle"]);
    await http.assertBase();
  });

  it("is not over while the client still takes bytes that are queued", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    client.socket.pause();
    const body = "x".repeat(200_000);
    await http.endpoint().send(answerOf(body).slice(0, -1));
    await http.advance(290_000);
    client.socket.resume();
    await untilQuiet();
    client.socket.pause();
    await http.advance(290_000);
    client.socket.resume();
    await http.endpoint().send("x");
    assert.equal(client.received.length, answerOf(body).length);
    await client.close();
    assert.deepEqual(http.outcomes(), ["completed"]);
    await http.assertBase();
  });
});

describe("a client that has ended its half", () => {
  it("gets its answer, and then the end at once", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    await http.endpoint().send(answerOf("whole").slice(0, -1));
    await client.close();
    await http.endpoint().send("e");
    await untilQuiet();
    assert.ok(client.received.endsWith("whole") && client.isClosed);
    assert.deepEqual(http.outcomes(), ["completed"]);
    await http.assertBase();
  });

  it("may wait for 30 s between two bytes of it", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /"));
    client.socket.end();
    await http.endpoint().send(answerOf("whole").slice(0, -3));
    await trickle(http, http.endpoint(), ["o"], 29_000);
    assert.ok(client.received.endsWith("who"));
    await http.advance(30_200);
    assert.ok(client.received.endsWith("who") && client.isClosed);
    assert.deepEqual(http.outcomes(), ["idle"]);
    await http.assertBase();
  });

  it("ends the request if it is not whole, and the endpoint does not take it for whole", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${requestOf("POST /", "content-length: 9")}begin`);
    await client.close();
    assert.equal(http.endpoint().failure, "reset");
    assert.deepEqual(http.outcomes(), ["client-aborted"]);
    // A connection with a request has no line of its own.
    assert.deepEqual(http.memory.outcomes(), []);
    await http.assertBase();
  });
});
