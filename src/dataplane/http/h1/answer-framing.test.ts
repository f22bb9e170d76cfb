import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

const get = requestOf("GET /");
const get10 = "GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n";
const headOf = (status: string, ...fields: readonly string[]): string =>
  `${[`HTTP/1.1 ${status}`, "date: now", ...fields].join("\r\n")}\r\n\r\n`;
const chunks = "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
const chunked = headOf("200 OK", "transfer-encoding: chunked");

/** What a client gets for a request and an answer, and what happens to the two connections. */
interface Case {
  readonly title: string;
  readonly request: string;
  readonly answer: string;
  readonly client: string;
  readonly status?: number;
  readonly isClosed?: boolean;
  readonly isPooled?: boolean;
  readonly rule?: string;
  readonly endsAfterwards?: boolean;
}

const cases: readonly Case[] = [
  {
    title: "HEAD: the length stays, and no body follows",
    request: requestOf("HEAD /"),
    answer: headOf("200 OK", "content-length: 5"),
    client: headOf("200 OK", "content-length: 5"),
    isPooled: true,
  },
  {
    title: "HEAD with an answer that would be chunked",
    request: requestOf("HEAD /"),
    answer: chunked,
    client: headOf("200 OK"),
    isPooled: true,
  },
  {
    title: "204",
    request: get,
    answer: headOf("204 No Content"),
    client: headOf("204 No Content"),
    isPooled: true,
  },
  {
    title: "304 with the length of the body that it stands for",
    request: get,
    answer: headOf("304 Not Modified", "etag: x", "content-length: 5"),
    client: headOf("304 Not Modified", "etag: x", "content-length: 5"),
    isPooled: true,
  },
  {
    title: "a chunked answer: extensions are dropped",
    request: get,
    answer: chunked + chunks,
    client: `${chunked}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
    isPooled: true,
  },
  {
    title:
      "a chunked answer for a client of HTTP/1.0: the chunks are joined, and the end is the close",
    request: get10,
    answer: chunked + chunks,
    client: `${headOf("200 OK", "connection: close")}abcde`,
    isClosed: true,
    isPooled: true,
  },
  {
    title: "an answer with a length for a client of HTTP/1.0, which may go on",
    request: get10,
    answer: answerOf("abc"),
    client: `${headOf("200 OK", "content-length: 3", "connection: keep-alive")}abc`,
    isPooled: true,
  },
  {
    title: "an answer that ends with the connection is chunked for a client of HTTP/1.1",
    request: get,
    answer: `${headOf("200 OK")}abcde`,
    endsAfterwards: true,
    client: `${chunked}5\r\nabcde\r\n0\r\n\r\n`,
  },
  {
    title: "an answer that ends with the connection, for a client of HTTP/1.0",
    request: get10,
    answer: `${headOf("200 OK")}abcde`,
    endsAfterwards: true,
    client: `${headOf("200 OK", "connection: close")}abcde`,
    isClosed: true,
  },
  {
    title: "the same length twice is merged",
    request: get,
    answer: `${headOf("200 OK", "content-length: 2", "content-length: 2")}ab`,
    client: `${headOf("200 OK", "content-length: 2")}ab`,
    isPooled: true,
  },
  {
    title: "Connection: close of the endpoint concerns the endpoint only",
    request: get,
    answer: answerOf("abc", "connection: close, x-a", "x-a: 1", "keep-alive: timeout=5"),
    client: answerOf("abc"),
  },
  {
    title: "an answer of HTTP/1.0 goes out as HTTP/1.1",
    request: get,
    answer: answerOf("abc").replace("HTTP/1.1", "HTTP/1.0"),
    client: answerOf("abc"),
  },
  {
    title: "trailers: those that may be passed on",
    request: get,
    answer: `${chunked}0\r\nx-sum: 1\r\ncontent-length: 5\r\nset-cookie: a=b\r\nhost: x\r\n\r\n`,
    client: `${chunked}0\r\nx-sum: 1\r\n\r\n`,
    isPooled: true,
  },
  {
    title: "interim answers are passed on",
    request: get,
    answer: `HTTP/1.1 103 Early Hints\r\nlink: x\r\nconnection: x-a\r\nx-a: 1\r\n\r\n${answerOf("abc")}`,
    client: `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answerOf("abc")}`,
    isPooled: true,
  },
  {
    title: "interim answers are not for a client of HTTP/1.0",
    request: get10,
    answer: `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answerOf("abc")}`,
    client: `${headOf("200 OK", "content-length: 3", "connection: keep-alive")}abc`,
    isPooled: true,
  },
  {
    title: "an unasked 100 is dropped",
    request: get,
    answer: `HTTP/1.1 100 Continue\r\n\r\n${answerOf("abc")}`,
    client: answerOf("abc"),
    isPooled: true,
  },
  {
    title: "16 interim answers",
    request: get,
    answer: "HTTP/1.1 102 Processing\r\n\r\n".repeat(16) + answerOf("abc"),
    client: "HTTP/1.1 102 Processing\r\n\r\n".repeat(16) + answerOf("abc"),
    isPooled: true,
  },
  {
    title: "17 interim answers",
    request: get,
    answer: "HTTP/1.1 103 E\r\n\r\n".repeat(17) + answerOf("abc"),
    client: "",
    status: 502,
    rule: "too-many-interim-answers",
  },
  {
    title: "101 for a request that did not ask for it",
    request: get,
    answer: "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    client: "",
    status: 502,
    rule: "unasked-upgrade",
  },
  {
    title: "426 names the upgrade that the director knows, in the place of that of the endpoint",
    request: get,
    answer: headOf(
      "426 Upgrade Required",
      "upgrade: x",
      "connection: upgrade",
      "content-length: 0",
    ),
    client: headOf(
      "426 Upgrade Required",
      ...["content-length: 0", "connection: Upgrade", "upgrade: websocket"],
    ),
    isPooled: true,
  },
  {
    title: "426 to a client that wants the connection to end",
    request: requestOf("GET /", "connection: close"),
    answer: headOf("426 Upgrade Required", "content-length: 0"),
    client: headOf(
      "426 Upgrade Required",
      ...["content-length: 0", "connection: close", "connection: Upgrade", "upgrade: websocket"],
    ),
    isPooled: true,
    isClosed: true,
  },
  {
    title: "another answer loses Upgrade",
    request: get,
    answer: headOf("200 OK", "upgrade: h2c", "connection: upgrade", "content-length: 0"),
    client: headOf("200 OK", "content-length: 0"),
    isPooled: true,
  },
  {
    title: "bytes after 204",
    request: get,
    answer: `${headOf("204 No Content")}abc`,
    client: "",
    status: 502,
    rule: "unasked-bytes",
  },
  {
    title: "bytes after 304",
    request: get,
    answer: `${headOf("304 Not Modified", "content-length: 3")}abc`,
    client: "",
    status: 502,
    rule: "unasked-bytes",
  },
  {
    title: "HEAD with a body: the head is passed on, and the connection is not used again",
    request: requestOf("HEAD /"),
    answer: answerOf("abc"),
    client: headOf("200 OK", "content-length: 3"),
  },
  {
    title: "HEAD with a chunked body: the head is passed on, and the connection is not used again",
    request: requestOf("HEAD /"),
    answer: chunked + chunks,
    client: headOf("200 OK"),
  },
  {
    title:
      "bytes after a length of 0: the answer is passed on, and the connection is not used again",
    request: get,
    answer: `${answerOf("")}HTTP/1.1 200 OK\r\n`,
    client: answerOf(""),
  },
  {
    title: "bytes after 304 for HEAD",
    request: requestOf("HEAD /"),
    answer: `${headOf("304 Not Modified", "content-length: 3")}abc`,
    client: "",
    status: 502,
    rule: "unasked-bytes",
  },
  {
    title: "bytes after the length: the answer is passed on, and the connection is not used again",
    request: get,
    answer: `${answerOf("abc")}HTTP/1.1 200 OK\r\n`,
    client: answerOf("abc"),
  },
  {
    title: "a broken head",
    request: get,
    answer: "HTTP/1.1 200 OK\r\nx : y\r\n\r\n",
    client: "",
    status: 502,
    rule: "space-before-colon",
  },
  {
    title: "an answer that breaks off in its head",
    request: get,
    answer: "HTTP/1.1 200 O",
    endsAfterwards: true,
    client: "",
    status: 502,
  },
];

describe("an answer of an endpoint", () => {
  for (const lends of [false, true]) {
    for (const one of cases) {
      it(`${one.title}${lends ? ", in lent chunks" : ""}`, async () => {
        const http = await MemoryHttp.start({ lends });
        const client = await http.send(one.request);
        await http.endpoint().send(one.answer);
        if (one.endsAfterwards === true) await http.endpoint().close();
        await untilQuiet();
        if (one.status === undefined) assert.equal(client.received, one.client);
        else assertFailed(client.received, one.status);
        assert.equal(client.hasEnded, one.isClosed === true || one.status !== undefined);
        const { pools } = http.memory.plane.http;
        assert.equal(pools.idleCount, one.isPooled === true ? 1 : 0);
        http.memory.outcomes();
        assert.equal(http.memory.exchanges[0]?.rule, one.rule);
        await client.close();
        await http.assertBase();
      });
    }
  }

  it("that breaks a rule in its body ends the connection of the client, so that it does not seem whole", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    await http.endpoint().send(`${chunked}3\r\nabc\r\nx\r\n`);
    await http.advance(100);
    assert.equal(client.received, `${chunked}3\r\nabc\r\n`);
    assert.ok(client.hasEnded);
    assert.deepEqual(http.outcomes(), ["bad-answer"]);
    // Nothing of it is in what the next client gets.
    const other = await http.send(get);
    assert.equal(http.endpoint().received, get);
    await http.endpoint().send(answerOf("2"));
    assert.equal(other.received, answerOf("2"));
    await client.close();
    await other.close();
    await http.assertBase();
  });

  it("that breaks off in its body ends the connection of the client", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    await http.endpoint().send(answerOf("abc").slice(0, -1));
    http.endpoint().socket.reset();
    await untilQuiet();
    assert.equal(client.received, answerOf("abc").slice(0, -1));
    assert.ok(client.hasEnded);
    assert.deepEqual(http.outcomes(), ["endpoint-broke-off"]);
    // A connection with a request has no line of its own.
    assert.deepEqual(http.memory.outcomes(), []);
    await client.close();
    await http.assertBase();
  });

  it("gets a Date if it has none", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(get);
    await http.endpoint().send("HTTP/1.1 204 No Content\r\n\r\n");
    assert.match(
      client.received,
      /^HTTP\/1\.1 204 No Content\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n\r\n$/,
    );
    await client.close();
    await http.assertBase();
  });
});

describe("a body of a request", () => {
  it("is passed on with the trailers that may be", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(
      requestOf("POST /", "transfer-encoding: chunked", "trailer: x-sum") +
        "3;a=b\r\nabc\r\n0\r\nx-sum: 1\r\nX_Forwarded_For: 1.1.1.1\r\nauthorization: x\r\nhost: b\r\n\r\n",
    );
    assert.ok(http.endpoint().received.endsWith("\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"));
    await http.endpoint().send(answerOf(""));
    await client.close();
    await http.assertBase();
  });

  it("that breaks a rule leaves nothing for the next request", async () => {
    const http = await MemoryHttp.start();
    const first = await http.send(get);
    await http.endpoint().send(answerOf("1"));
    const bad = await http.send(get);
    await http.endpoint().send(answerOf("2"));
    http.endpoint().take();
    await bad.send(`${requestOf("POST /bad", "transfer-encoding: chunked")}x\r\n`);
    await untilQuiet();
    assert.match(bad.received, /HTTP\/1\.1 400 Bad Request\r\n[^]*connection: close\r\n/);
    assert.equal(http.endpoint().received, "");
    await first.send(requestOf("GET /next"));
    assert.equal(http.endpoint().received, requestOf("GET /next"));
    await http.endpoint().send(answerOf("3"));
    assert.equal(first.received, answerOf("1") + answerOf("3"));
    await first.close();
    await bad.close();
    assert.deepEqual(http.outcomes(), ["completed", "completed", "refused", "completed"]);
    assert.equal(http.memory.exchanges[2]?.rule, "bad-chunk-size");
    await http.assertBase();
  });
});

function assertFailed(received: string, status: number): void {
  const last = received.lastIndexOf("HTTP/1.1 ");
  assert.match(
    received.slice(last),
    new RegExp(`^HTTP/1.1 ${status} [^]*\r\nconnection: close\r\n`),
  );
}
