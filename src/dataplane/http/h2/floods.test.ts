import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Http2Fault } from "#model/records/http2-fault.ts";
import { slotsByLabel } from "#dataplane/observe/counters.ts";
import {
  blockOf,
  dataOf,
  frameOf,
  headersOf,
  Http2Client,
  many,
  PREFACE,
  requestFieldsOf,
  resetOf,
  settingsOf,
  uint32Of,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME, SETTING } from "./frames.ts";

const FAULT_SLOTS = slotsByLabel("tlsd_http2_faults_total");
const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST" });

interface Flood {
  readonly fault: Http2Fault;
  readonly code?: number;
  /** What is sent first, and what is sent `most` times without harm, and once more with it. */
  readonly before?: Buffer;
  readonly most: number;
  readonly frame: (number: number) => Buffer;
}

const floods: readonly Flood[] = [
  { fault: "ping-flood", most: 1_000, frame: () => frameOf(FRAME.ping, 0, 0, "12345678") },
  // The acknowledgement and the SETTINGS after the preface count too.
  { fault: "settings-flood", most: 38, frame: () => settingsOf() },
  {
    fault: "priority-flood",
    most: 400,
    frame: (number) => frameOf(FRAME.priority, 0, 2 * number + 1, Buffer.alloc(5)),
  },
  {
    fault: "priority-flood",
    most: 400,
    frame: () =>
      frameOf(FRAME.priorityUpdate, 0, 0, Buffer.concat([uint32Of(1), Buffer.from("u=1")])),
  },
  { fault: "window-flood", most: 1_000, frame: () => windowUpdateOf(0, 1) },
  {
    fault: "empty-frame-flood",
    before: headersOf(1, post, 0),
    most: 200,
    frame: () => dataOf(1, ""),
  },
  { fault: "empty-frame-flood", most: 200, frame: () => frameOf(0x77, 0, 0, "x") },
  {
    fault: "reset-flood",
    most: 200,
    frame: (number) =>
      Buffer.concat([headersOf(2 * number + 1, get), resetOf(2 * number + 1, ERROR.cancel)]),
  },
  {
    // Resets that the client provokes are in the same budget.
    fault: "reset-flood",
    before: many(100, (number) =>
      Buffer.concat([headersOf(2 * number + 1, get), resetOf(2 * number + 1, ERROR.cancel)]),
    ),
    most: 100,
    frame: (number) =>
      Buffer.concat([headersOf(2 * number + 201, get), windowUpdateOf(2 * number + 201, 0)]),
  },
  {
    fault: "head-flood",
    before: frameOf(FRAME.headers, FLAG.endStream, 1, blockOf(get)),
    most: 16,
    frame: () => frameOf(FRAME.continuation, 0, 1),
  },
];

describe("a client that floods a session of HTTP/2", () => {
  for (const { fault, before, most, frame } of floods) {
    it(`with ${most} frames, it is served, and with one more it is a ${fault}`, async () => {
      const http = await MemoryHttp.start();
      const client = await Http2Client.connect(http, before ?? Buffer.alloc(0));
      await client.send(many(most, frame));
      assert.deepEqual(client.goaways(), []);
      await client.send(frame(most));
      assert.deepEqual(
        client.goaways().map(([, code]) => code),
        [ERROR.enhanceYourCalm],
      );
      assertCounted(http, fault);
      await client.peer.close();
      await http.assertBase();
    });
  }

  it("may go on at the rate that is allowed", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http);
    for (let second = 0; second < 30; second += 1) {
      // One second follows the other.
      // oxlint-disable-next-line no-await-in-loop
      await client.send(many(20, () => frameOf(FRAME.ping, 0, 0, "12345678")));
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(1_000);
    }
    assert.deepEqual(client.goaways(), []);
    await client.peer.close();
    await http.assertBase();
  });

  it("may answer each DATA frame with two WINDOW_UPDATE frames, however many come at once", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 2 ** 30]),
      windowUpdateOf(0, 2 ** 30),
      headersOf(1, get),
    );
    await http.endpoint().send("HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n");
    const part = "x".repeat(64_000);
    for (let sent = 0; sent < 250; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(part);
    }
    const frames = client.framesOfType(FRAME.data);
    assert.ok(frames.length >= 1_000);
    const updates = frames.flatMap(() => [windowUpdateOf(0, 1), windowUpdateOf(1, 1)]);
    await client.send(...updates);
    assert.deepEqual(client.goaways(), []);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("may have many windows that end with a short frame", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, get));
    await http.endpoint().send("HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\n");
    // More is queued than the windows allow, so each of them ends within the queue.
    await http.endpoint().send("x".repeat(65_535 + 50_000));
    for (let window = 0; window < 700; window += 1) {
      for (const bytes of [2_000, 42]) {
        // oxlint-disable-next-line no-await-in-loop
        await client.send(windowUpdateOf(0, bytes), windowUpdateOf(1, bytes));
      }
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send("x".repeat(2_042));
    }
    const short = client
      .framesOfType(FRAME.data)
      .filter(({ payload: { length } }) => length > 0 && length < 128);
    assert.ok(short.length > 600, String(short.length));
    assert.deepEqual(client.goaways(), []);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("may open 500 streams before it knows the limit: those above it are refused, and the others go on", async () => {
    const http = await MemoryHttp.start();
    const client = new Http2Client(await http.connect("h2"));
    await client.send(
      PREFACE,
      settingsOf(),
      many(500, (number) => headersOf(2 * number + 1, get)),
    );
    assert.deepEqual(client.goaways(), []);
    assert.equal(client.framesOfType(FRAME.rstStream).length, 400);
    assert.deepEqual(client.resetsOf(999), [ERROR.refusedStream]);
    await http.endpoint(0).send(answerOf("served"));
    await untilSent();
    assert.equal(client.bodyOf(1), "served");
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("with windows of a byte is ended", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 0]),
      headersOf(1, get),
    );
    await http.endpoint().send(answerOf("x".repeat(60_000)));
    await client.send(many(900, () => windowUpdateOf(1, 1)));
    assert.deepEqual(client.goaways(), []);
    for (let turn = 0; turn < 520; turn += 1) {
      if (client.goaways().length > 0) break;
      // Each has its own turn.
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(1, 1));
    }
    assert.equal(client.goaways()[0]?.[1], ERROR.enhanceYourCalm);
    await client.peer.close();
    await http.assertBase();
  });

  it("with one-byte references to a long field gets 431", async () => {
    const http = await MemoryHttp.start();
    const first = Buffer.concat([
      blockOf(get),
      Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e),
      Buffer.alloc(4_000, 0x62),
    ]);
    const client = await Http2Client.connect(
      http,
      frameOf(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, first),
    );
    assert.equal(http.endpoints.length, 1);
    const second = Buffer.concat([blockOf(get), Buffer.alloc(16_000, 0xbe)]);
    await client.send(frameOf(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 3, second));
    assert.equal(client.headOf(3)[0], ":status: 431");
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("has 101 streams at once of which the last one is refused, until one has ended", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      many(101, (number) => headersOf(2 * number + 1, get)),
    );
    assert.deepEqual(client.resetsOf(201), [ERROR.refusedStream]);
    await client.send(resetOf(1, ERROR.cancel), headersOf(203, get));
    assert.deepEqual(client.resetsOf(203), []);
    assert.equal(http.endpoint(0).failure, "reset");
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });
});

function assertCounted(http: MemoryHttp, fault: Http2Fault): void {
  const changes = http.listener.counters.takeChanges() ?? [];
  assert.equal(changes[changes.indexOf(FAULT_SLOTS[fault]) + 1], 1);
}
