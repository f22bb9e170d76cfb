import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, closing, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const head = requestOf("POST /", "expect: 100-continue", "content-length: 4");
const written = requestOf("POST /", "expect: 100-continue", "content-length: 4");

describe("Expect: 100-continue", () => {
  it("is forwarded, and so is the 100 of the endpoint", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    const endpoint = http.endpoint();
    assert.equal(endpoint.take(), written);
    await endpoint.send(CONTINUE);
    assert.equal(client.take(), CONTINUE);
    await client.send("body");
    assert.equal(endpoint.take(), "body");
    await endpoint.send(answerOf("done"));
    assert.equal(client.received, answerOf("done"));
    await client.close();
    await http.assertBase();
  });

  it("is answered by one 100 of the director if the endpoint is silent for 1 s, and later ones are swallowed", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    await http.advance(900);
    assert.equal(client.received, "");
    await http.advance(300);
    assert.equal(client.take(), CONTINUE);
    await http.advance(5_000);
    assert.equal(client.received, "");
    await http.endpoint().send(CONTINUE);
    await client.send("body");
    await http.endpoint().send(CONTINUE + answerOf("done"));
    assert.equal(client.received, answerOf("done"));
    await client.close();
    await http.assertBase();
  });

  it("is followed by a final answer in place of the 100: both connections end", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(head);
    await http.endpoint().send(answerOf("no"));
    await untilQuiet();
    assert.equal(client.received, closing(answerOf("no")));
    assert.ok(client.hasEnded);
    assert.ok(http.endpoint().isClosed);
    assert.equal(http.memory.plane.http.pools.idleCount, 0);
    // The client has begun to send.
    await client.send("bod");
    await client.close();
    assert.deepEqual(http.outcomes(), ["completed"]);
    await http.assertBase();
  });

  it("is removed from a request without a body", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /", "expect: 100-continue"));
    assert.equal(http.endpoint().take(), requestOf("GET /"));
    await http.advance(2_000);
    assert.equal(client.received, "");
    await http.endpoint().send(answerOf("done"));
    assert.equal(client.received, answerOf("done"));
    await client.close();
    await http.assertBase();
  });

  it("is ignored from a client of HTTP/1.0", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(
      "POST / HTTP/1.0\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n",
    );
    assert.equal(http.endpoint().take(), requestOf("POST /", "content-length: 4"));
    await http.advance(2_000);
    await http.endpoint().send(CONTINUE);
    assert.equal(client.received, "");
    await client.send("body");
    await http.endpoint().send(answerOf("done"));
    assert.equal(client.received, closing(answerOf("done")));
    await client.close();
    await http.assertBase();
  });

  it("does not hold up a client that sends its body at once", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${head}body`);
    assert.equal(http.endpoint().take(), `${written}body`);
    await http.endpoint().send(answerOf("done"));
    assert.equal(client.received, answerOf("done"));
    await client.close();
    await http.assertBase();
  });
});

describe("another expectation", () => {
  it("is refused with 417", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("POST /", "expect: coffee", "content-length: 0"));
    assert.match(client.received, /^HTTP\/1\.1 417 Expectation Failed\r\n/);
    assert.equal(http.endpoints.length, 0);
    assert.deepEqual(http.outcomes(), ["refused"]);
    await client.close();
    await http.assertBase();
  });
});

describe("a final answer before the whole body", () => {
  it("is passed on while the body is dropped, and the connections are not used again", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${requestOf("POST /", "content-length: 100000")}begin`);
    await http
      .endpoint()
      .send("HTTP/1.1 413 Content Too Large\r\ndate: now\r\ncontent-length: 2\r\n\r\nno");
    await untilQuiet();
    assert.match(client.received, /^HTTP\/1\.1 413 [^]*\r\nconnection: close\r\n\r\nno$/);
    assert.ok(client.hasEnded && !client.isClosed);
    await client.send("x".repeat(60_000));
    assert.equal(client.failure, undefined);
    assert.equal(client.socket.queuedBytes, 0);
    assert.ok(http.endpoint().isClosed);
    await http.advance(1_100);
    await client.send("more");
    assert.ok(client.isClosed);
    await http.assertBase();
  });

  it("may be long, and then both are passed on at the same time", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("POST /", "transfer-encoding: chunked"));
    const endpoint = http.endpoint();
    endpoint.take();
    await endpoint.send("HTTP/1.1 200 OK\r\ndate: now\r\ntransfer-encoding: chunked\r\n\r\n");
    client.take();
    for (const text of ["one", "two", "three"]) {
      const chunk = `${text.length}\r\n${text}\r\n`;
      // oxlint-disable-next-line no-await-in-loop
      await client.send(chunk);
      assert.equal(endpoint.take(), chunk);
      // oxlint-disable-next-line no-await-in-loop
      await endpoint.send(chunk);
      assert.equal(client.take(), chunk);
    }
    // The client says nothing more for longer than the idle time, and is not cut while the endpoint does.
    for (let minute = 0; minute < 8; minute += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(60_000);
      // oxlint-disable-next-line no-await-in-loop
      await endpoint.send("1\r\nx\r\n");
    }
    await client.send("0\r\n\r\n");
    assert.equal(endpoint.take(), "0\r\n\r\n");
    await endpoint.send("0\r\n\r\n");
    assert.equal(client.take(), `${"1\r\nx\r\n".repeat(8)}0\r\n\r\n`);
    await untilQuiet();
    await client.close();
    assert.deepEqual(http.outcomes(), ["completed"]);
    await http.assertBase();
  });
});
