import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, closing, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

describe("pipelined requests", () => {
  it("are sent one after the other, and answered in order", async () => {
    const http = await MemoryHttp.start({ lends: true });
    const client = await http.send(requestOf("GET /1") + requestOf("GET /2") + requestOf("GET /3"));
    const endpoint = http.endpoint();
    for (const number of [1, 2, 3]) {
      assert.equal(endpoint.take(), requestOf(`GET /${number}`));
      assert.equal(client.received, "");
      const answer = answerOf(`answer ${number}`);
      // oxlint-disable-next-line no-await-in-loop
      await endpoint.send(answer);
      assert.equal(client.take(), answer);
    }
    assert.equal(http.endpoints.length, 1);
    await client.close();
    assert.deepEqual(http.outcomes(), ["completed", "completed", "completed"]);
    await http.assertBase();
  });

  it("may have bodies of every framing", async () => {
    const http = await MemoryHttp.start({ lends: true });
    const chunked = "4;x=y\r\nabcd\r\n0002\r\nef\r\n0\r\n\r\n";
    const client = await http.send(
      requestOf("POST /1", "content-length: 3") +
        "abc" +
        requestOf("POST /2", "Transfer-Encoding: chunked") +
        chunked +
        requestOf("GET /3"),
    );
    const endpoint = http.endpoint();
    assert.equal(endpoint.take(), `${requestOf("POST /1", "content-length: 3")}abc`);
    await endpoint.send(answerOf("1"));
    assert.equal(
      endpoint.take(),
      `${requestOf("POST /2", "transfer-encoding: chunked")}4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n`,
    );
    await endpoint.send(answerOf("2"));
    assert.equal(endpoint.take(), requestOf("GET /3"));
    await endpoint.send(answerOf("3"));
    assert.equal(client.received, answerOf("1") + answerOf("2") + answerOf("3"));
    await client.close();
    await http.assertBase();
  });

  it("are refused only after the answers to those before", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${requestOf("GET /1")}GET /2 HTTP/1.1\r\nhost : a\r\n\r\n`);
    assert.equal(client.received, "");
    await http.endpoint().send(answerOf("1"));
    assert.ok(client.received.startsWith(`${answerOf("1")}HTTP/1.1 400 Bad Request\r\n`));
    assert.match(client.received, /\r\nconnection: close\r\n/);
    assert.equal(http.endpoint().received, requestOf("GET /1"));
    await untilQuiet();
    assert.ok(client.hasEnded);
    assert.deepEqual(http.outcomes(), ["completed", "refused"]);
    await client.close();
    await http.assertBase();
  });

  it("are read ahead up to 64 KiB", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /1"));
    const chunk = requestOf("GET /next", `x: ${"x".repeat(8_000)}`);
    for (let sent = 0; sent < 512 * 1024; sent += chunk.length)
      client.socket.write(Buffer.from(chunk));
    await untilQuiet();
    const read = 512 * 1024 - client.socket.queuedBytes;
    assert.ok(read >= 0 && read <= 80 * 1024, `${read}`);
    client.socket.reset();
    await http.assertBase();
  });

  it("are all answered if the client ends its half after them", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /1") + requestOf("GET /2") + requestOf("GET /3"));
    client.socket.end();
    await untilQuiet();
    for (const number of [1, 2, 3]) {
      assert.equal(http.endpoint().take(), requestOf(`GET /${number}`));
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(answerOf(`${number}`));
    }
    await untilQuiet();
    assert.equal(client.received, answerOf("1") + answerOf("2") + closing(answerOf("3")));
    assert.ok(client.hasEnded);
    await http.assertBase();
  });

  it("wait while the client takes no answers", async () => {
    const http = await MemoryHttp.start();
    const client = await http.connect();
    client.socket.pause();
    await client.send(requestOf("GET /").repeat(100));
    const body = "x".repeat(30_000);
    let answers = 0;
    while (http.endpoint().take() !== "") {
      answers += 1;
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(answerOf(body));
    }
    assert.equal(answers, 3);
    client.socket.resume();
    await untilQuiet();
    assert.notEqual(http.endpoint().take(), "");
    client.socket.reset();
    await http.assertBase();
  });
});

describe("a client that asks to close", () => {
  it("gets the answer with Connection: close, and then the end", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(requestOf("GET /", "connection: close") + requestOf("GET /2"));
    await http.endpoint().send(answerOf("1"));
    await untilQuiet();
    assert.equal(client.received, closing(answerOf("1")));
    assert.ok(client.hasEnded);
    assert.equal(http.endpoint().received, requestOf("GET /"));
    await client.close();
    await http.assertBase();
  });
});
