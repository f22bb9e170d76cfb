import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

const requests = [
  requestOf("GET /1"),
  `${requestOf("POST /2", "content-length: 11")}hello world`,
  `${requestOf("PUT /3", "Transfer-Encoding: chunked")}5;a="b"\r\nhello\r\n0006\r\n world\r\n0\r\nx-sum: 1\r\n\r\n`,
  requestOf("HEAD /4", "connection: x-a", "x-a: 1"),
  requestOf("GET /5"),
];
const answers = [
  answerOf("one"),
  `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answerOf("two")}`,
  "HTTP/1.1 200 OK\r\ndate: now\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n00a\r\n0123456789\r\n0\r\nx-sum: 2\r\n\r\n",
  "HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 99\r\n\r\n",
  "HTTP/1.1 200 OK\r\ndate: now\r\nconnection: close\r\n\r\nuntil the close",
];

/** Returns the bytes of all chunks of the chunked bodies in a text, so that their sizes do not matter. */
const joined = (text: string): string =>
  text.replaceAll(
    /(transfer-encoding: chunked\r\n\r\n)((?:[1-9a-f][0-9a-f]*\r\n[^]*?\r\n)*)0\r\n/g,
    (_all, head: string, chunks: string) =>
      `${head}${chunks.replaceAll(/[0-9a-f]+\r\n([^\r]*)\r\n/g, "$1")}`,
  );

/** Cuts a text after the offsets. */
function piecesOf(text: string, cuts: readonly number[]): readonly string[] {
  const at = [...new Set(cuts.map((cut) => cut % text.length))].toSorted((a, b) => a - b);
  return [0, ...at]
    .map((from, index) => text.slice(from, at[index]))
    .filter((piece) => piece !== "");
}

/** Has a session run in pieces. Returns what the endpoint got for each request, and what the client got. */
async function run(cuts: readonly number[], lends: boolean): Promise<readonly string[]> {
  const http = await MemoryHttp.start({ lends });
  const client = await http.connect();
  for (const piece of piecesOf(requests.join(""), cuts)) client.socket.write(Buffer.from(piece));
  const got: string[] = [];
  for (const answer of answers) {
    // oxlint-disable-next-line no-await-in-loop
    await untilQuiet();
    got.push(joined(http.endpoint().take()));
    for (const piece of piecesOf(answer, cuts)) {
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(piece);
    }
  }
  await http.endpoint().close();
  await client.close();
  const result = [
    ...got,
    joined(client.received),
    ...http.outcomes(),
    String(http.endpoints.length),
  ];
  await http.assertBase();
  return result;
}

const cutsOf = fc.array(fc.nat({ max: 2_000 }), { maxLength: 40 });

describe("a session in pieces", () => {
  it("gives what it gives whole", async () => {
    const whole = await run([], false);
    assert.ok(whole[0]?.startsWith("GET /1") && whole.at(-1) === "1");
    assert.deepEqual(
      whole.slice(6, 11),
      Array.from({ length: 5 }, () => "completed"),
    );
    await fc.assert(
      fc.asyncProperty(cutsOf, fc.boolean(), async (cuts, lends) => {
        assert.deepEqual(await run(cuts, lends), whole);
      }),
      { numRuns: 60 },
    );
  });

  it("gives it in single bytes, in lent chunks too", async () => {
    const whole = await run([], false);
    const all = Array.from({ length: 2_000 }, (_, at) => at);
    assert.deepEqual(await run(all, false), whole);
    assert.deepEqual(await run(all, true), whole);
  });
});

describe("a session with peers that stop and go on", () => {
  const sizes = fc.record({
    upBytes: fc.nat({ max: 400_000 }),
    downBytes: fc.integer({ min: 1, max: 400_000 }),
    step: fc.integer({ min: 1_000, max: 100_000 }),
    isChunked: fc.boolean(),
    stops: fc.array(fc.constantFrom("client", "endpoint", "none"), { minLength: 4, maxLength: 12 }),
  });

  it("passes on all bytes in both directions at once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ upBytes, downBytes, step, isChunked, stops }) => {
        const http = await MemoryHttp.start({ lends: true });
        const up = patternOf(upBytes);
        const down = patternOf(downBytes);
        const framing = (bytes: number): string =>
          isChunked ? "transfer-encoding: chunked" : `content-length: ${bytes}`;
        const client = await http.send(requestOf("POST /", framing(upBytes)));
        const endpoint = http.endpoint();
        await endpoint.send(`HTTP/1.1 200 OK\r\ndate: now\r\n${framing(downBytes)}\r\n\r\n`);
        const chunked = (text: string): string =>
          isChunked && text !== "" ? `${text.length.toString(16)}\r\n${text}\r\n` : text;
        for (let at = 0; at < Math.max(upBytes, downBytes); at += step) {
          const stop = stops[Math.floor(at / step) % stops.length];
          if (stop === "client") client.socket.pause();
          if (stop === "endpoint") endpoint.socket.pause();
          client.socket.write(Buffer.from(chunked(up.slice(at, at + step))));
          endpoint.socket.write(
            Buffer.from(chunked(down.slice(at, Math.min(at + step, downBytes - 1)))),
          );
          // oxlint-disable-next-line no-await-in-loop
          await untilQuiet();
          if (stop === "none") {
            client.socket.resume();
            endpoint.socket.resume();
            // oxlint-disable-next-line no-await-in-loop
            await untilQuiet();
          }
        }
        client.socket.resume();
        endpoint.socket.resume();
        await untilQuiet();
        // An answer that is whole before the request would end it.
        if (isChunked) await client.send("0\r\n\r\n");
        await endpoint.send(chunked(down.slice(-1)) + (isChunked ? "0\r\n\r\n" : ""));
        await untilQuiet();
        assert.equal(bodyOf(endpoint.received, isChunked), up);
        assert.equal(bodyOf(client.received, isChunked), down);
        await client.close();
        await http.assertBase();
      }),
      { numRuns: 25 },
    );
  });
});

/** Letters that differ from place to place. None is a digit or a line end. */
const patternOf = (bytes: number): string => {
  let text = "";
  for (let at = 0; text.length < bytes; at += 1)
    text += `${at.toString(36).replaceAll(/\d/g, "-")}.`;
  return text.slice(0, bytes);
};

function bodyOf(message: string, isChunked: boolean): string {
  const body = message.slice(message.indexOf("\r\n\r\n") + 4);
  if (!isChunked) return body;
  let text = "";
  for (let at = 0; ;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(size > 0)) return text;
    text += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}
