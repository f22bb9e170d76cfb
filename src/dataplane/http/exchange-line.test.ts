import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headersOf, Http2Client, requestFieldsOf, untilSent } from "#harness/http2-client.ts";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import { ERROR } from "./h2/frames.ts";

/** Asserts that there is one line, that of an exchange, and that it counts this body. */
function assertLine(http: MemoryHttp, status: number, bodyBytes: number): void {
  assert.deepEqual(http.memory.outcomes(), []);
  const lines = http.memory.exchanges.map((line) => [line.status, line.bodyBytesToClient]);
  assert.deepEqual(lines, [[status, bodyBytes]]);
}

const bodyOf = (received: string): string => received.slice(received.indexOf("\r\n\r\n") + 4);

describe("the access line of an answer of the director's own", () => {
  for (const [title, request, status] of [
    ["a refused request", "GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400],
    ["a refused HEAD", "HEAD / HTTP/1.1\r\nhost : a\r\n\r\n", 400],
    ["a failure of the endpoint", requestOf("GET /"), 502],
    ["a failure of the endpoint with HEAD", requestOf("HEAD /"), 502],
    ["a head that does not arrive in time", "GET / HTTP/1.1\r\n", 408],
  ] as const) {
    it(`counts the body over HTTP/1.1: ${title}`, async () => {
      const http = await MemoryHttp.start();
      const client = await http.send(request);
      if (status === 502) await http.endpoint().close();
      if (status === 408) await http.advance(15_100);
      await untilQuiet();
      const body = bodyOf(client.take());
      assert.equal(body === "", request.startsWith("HEAD"));
      await client.close();
      assertLine(http, status, body.length);
      await http.assertBase();
    });
  }

  for (const [title, method, more, status] of [
    ["a refused request", "GET", { expect: "x" }, 417],
    ["a refused HEAD", "HEAD", { expect: "x" }, 417],
    ["a failure of the endpoint", "POST", {}, 502],
    ["a failure of the endpoint with HEAD", "HEAD", {}, 502],
  ] as const) {
    it(`counts the body over HTTP/2: ${title}`, async () => {
      const http = await MemoryHttp.start();
      const fields = requestFieldsOf({ ":method": method, ...more });
      const client = await Http2Client.connect(http, headersOf(1, fields));
      if (status === 502) await http.endpoint().close();
      await untilSent();
      assert.equal(client.headOf(1)[0], `:status: ${status}`);
      const body = client.bodyOf(1);
      assert.equal(body === "", method === "HEAD");
      await client.peer.close();
      assertLine(http, status, body.length);
      await http.assertBase();
    });
  }

  it("has no status if the client got none: the stream of a malformed request was reset", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, requestFieldsOf({ Upper: "x" })));
    assert.deepEqual(client.resetsOf(1), [ERROR.protocol]);
    await client.peer.close();
    assertLine(http, 0, 0);
    assert.equal(http.memory.exchanges[0]?.rule, "upper-case-name");
    await http.assertBase();
  });
});

describe("the access log of a listener that changes", () => {
  it("has the requests that begin and end while it is on, of connections that were open before too", async () => {
    const http = await MemoryHttp.start();
    const { memory, listener } = http;
    const { spec } = listener.rules;
    const set = (accessLog: "off" | "full"): void => {
      listener.rules = (
        memory.listenerOf({ ...spec, accessLog }) as unknown as typeof listener
      ).rules;
    };
    const client = await http.send(requestOf("GET /1"));
    await http.endpoint().send(answerOf(""));
    set("off");
    await client.send(requestOf("GET /2"));
    await http.endpoint().send(answerOf(""));
    await client.send(requestOf("GET /3"));
    set("full");
    await http.endpoint().send(answerOf(""));
    await client.send(requestOf("GET /4"));
    await http.endpoint().send(answerOf(""));
    await client.close();
    http.outcomes();
    assert.deepEqual(
      memory.exchanges.map(({ path }) => path),
      ["/1", "/4"],
    );
    await http.assertBase();
  });
});
