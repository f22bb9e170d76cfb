import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  blockOf,
  dataOf,
  frameOf,
  framesOf,
  headersOf,
  Http2Client,
  PREFACE,
  requestFieldsOf,
  resetOf,
  settingsOf,
  uint32Of,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { randomBelow } from "#harness/random.ts";
import { scaled } from "#harness/run-length.ts";
import { FLAG, FRAME } from "./frames.ts";

const FRAMES = scaled({ short: 2_000, long: 20_000 });
const FRAMES_OF_CONNECTION = 40;
const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST", "content-length": "5" });
type Below = (limit: number) => number;

const randomBytes = (below: Below, most: number): Buffer =>
  Buffer.from(Array.from({ length: below(most) }, () => below(256)));

/** Returns a frame that is valid more often than not, but not always at its place. */
function randomFrame(below: Below, opened: { lastId: number }): Buffer {
  const id =
    below(100) === 0 ? below(opened.lastId + 5) : Math.max(1, opened.lastId - 2 * below(4));
  const newId = below(100) === 0 ? id : opened.lastId + 2;
  switch (below(below(8) === 0 ? 16 : 10)) {
    case 0:
    case 1:
    case 2:
      opened.lastId = newId;
      return headersOf(newId, get);
    case 3:
      opened.lastId = newId;
      return headersOf(newId, post, 0);
    case 4:
      opened.lastId = newId;
      return headersOf(newId, requestFieldsOf({ ":method": "PUT" }), 0);
    case 5:
    case 6:
      return dataOf(id, "x".repeat(below(9)), below(2));
    case 7:
      return resetOf(id, below(16));
    case 8:
      return windowUpdateOf(below(2) * id, 1 + below(100_000));
    case 9:
      return settingsOf([below(8) === 0 ? below(10) : 4, below(100_000)]);
    case 10:
      return frameOf(FRAME.ping, below(2), 0, randomBytes(below, 1).length === 0 ? "12345678" : "");
    case 11:
      return frameOf(FRAME.headers, 0, id, blockOf(get).subarray(0, 5));
    case 12:
      return frameOf(FRAME.continuation, FLAG.endHeaders, id, blockOf(get).subarray(5));
    case 13:
      return headersOf(id, [["x-sum", "1"]]);
    case 14:
      return frameOf(below(20), below(256), below(5), randomBytes(below, 40));
    default:
      return frameOf(FRAME.priorityUpdate, 0, 0, Buffer.concat([uint32Of(id), Buffer.from("u=1")]));
  }
}

describe("frames at random", () => {
  it("throw nothing, leak nothing, and get frames as answers", async () => {
    const below = randomBelow(0x2222);
    for (let done = 0; done < FRAMES; done += FRAMES_OF_CONNECTION) {
      // Each connection has its own run.
      // oxlint-disable-next-line no-await-in-loop
      await runConnection(below);
    }
  });

  it("mean the same in any pieces", async () => {
    for (let seed = 1; seed <= scaled({ short: 20, long: 200 }); seed += 1) {
      const below = randomBelow(seed);
      const opened = { lastId: -1 };
      const bytes = Buffer.concat([
        PREFACE,
        frameOf(FRAME.settings, 0, 0),
        ...Array.from({ length: 24 }, () => randomFrame(below, opened)),
      ]);
      // oxlint-disable-next-line no-await-in-loop
      const whole = await resultOf([bytes]);
      const pieces = [...bytes].map((byte) => Buffer.of(byte));
      // oxlint-disable-next-line no-await-in-loop
      assert.deepEqual(await resultOf(pieces), whole, `seed ${seed}`);
    }
  });
});

async function runConnection(below: Below): Promise<void> {
  const http = await MemoryHttp.start({ lends: below(2) === 0 });
  const client = await Http2Client.connect(http);
  const opened = { lastId: -1 };
  for (let frame = 0; frame < FRAMES_OF_CONNECTION && !client.peer.hasEnded; frame += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await client.send(randomFrame(below, opened));
    if (below(3) === 0) {
      for (const endpoint of http.endpoints) {
        const isAsked = endpoint.take().includes("\r\n\r\n");
        // oxlint-disable-next-line no-await-in-loop
        if (isAsked) await endpoint.send(answerOf("x".repeat(below(100_000))));
      }
    }
    // oxlint-disable-next-line no-await-in-loop
    if (below(30) === 0) await http.advance(below(20_000));
  }
  await untilSent();
  client.frames();
  client.peer.socket.reset();
  await untilSent();
  await http.assertBase();
}

/** Returns what the endpoint and the client have got. Bytes of one turn may be acknowledged at once, so only heads and ends count. */
async function resultOf(pieces: readonly Buffer[]): Promise<unknown> {
  const http = await MemoryHttp.start();
  const peer = await http.connect("h2");
  for (const piece of pieces) peer.socket.write(piece);
  await untilSent();
  await untilSent();
  const requests = http.endpoints.map(({ received, failure }) => [plainOf(received), failure]);
  const frames = framesOf(Buffer.from(peer.received, "latin1"))
    .filter(({ type }) => type !== FRAME.windowUpdate)
    .map(({ type, streamId, payload }) => [type, streamId, payload.toString("latin1")]);
  const { hasEnded } = peer;
  peer.socket.reset();
  await untilSent();
  await http.assertBase();
  return { requests, frames, hasEnded };
}

/** Returns a request without the sizes of its chunks, which depend on the pieces. Bodies have only one letter. */
const plainOf = (received: string): string => {
  const [head = "", ...body] = received.split("\r\n\r\n");
  return head + body.join("").replaceAll(/[^x]/g, "");
};
