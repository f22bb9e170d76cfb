import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  dataOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  settingsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME, SETTING } from "./frames.ts";

const post = requestFieldsOf({ ":method": "POST" });
const getWith = (priority: string): readonly (readonly [string, string])[] =>
  requestFieldsOf({ priority });

/** Returns how far the client may send on a stream, or on the connection, in total. */
const grantedTo = (client: Http2Client, streamId: number): number =>
  client
    .framesOfType(FRAME.windowUpdate, streamId)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 65_535);

describe("the windows that a client gets", () => {
  it("do not open before the endpoint is connected", async () => {
    const http = await MemoryHttp.start();
    http.memory.wire.silentAddresses.add("127.0.0.2:1");
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    for (let sent = 0; sent < 4; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    assert.equal(grantedTo(client, 1), 65_535);
    await client.send(dataOf(1, "x".repeat(2_000)));
    assert.deepEqual(client.resetsOf(1), [ERROR.flowControl]);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("grow while the endpoint takes everything, up to 2 MiB", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    for (let sent = 0; sent < 400; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    const credit = grantedTo(client, 1) - 400 * 16_000;
    assert.ok(credit > 1024 * 1024 && credit <= 2 * 1024 * 1024, String(credit));
    assert.deepEqual(client.goaways(), []);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("do not grow while half of the memory for slow readers is in use", async () => {
    const http = await MemoryHttp.start();
    const { relayMemory } = http.memory.plane;
    const other = { shed: () => undefined };
    relayMemory.limitBytes = 1_000_000;
    relayMemory.hold(other, 500_001);
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    for (let sent = 0; sent < 40; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    for (const id of [0, 1]) {
      const credit = grantedTo(client, id) - 40 * 16_000;
      assert.ok(credit > 0 && credit <= 65_535, String(credit));
    }
    relayMemory.release(other);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("of the connection go on for other streams while one endpoint takes nothing", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    http.endpoint(0).socket.pause();
    for (let sent = 0; sent < 7; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    await client.send(headersOf(3, post, 0), dataOf(3, "y".repeat(16_000), FLAG.endStream));
    assert.ok(http.endpoint(1).received.includes("yyyy"));
    assert.ok(grantedTo(client, 0) - 8 * 16_000 >= 32_768);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });
});

describe("answers that wait for a window", () => {
  it("go out by urgency, and in turns within one", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      headersOf(1, getWith("u=5")),
      headersOf(3, getWith("u=1, i")),
      headersOf(5, getWith("u=1, i")),
    );
    // The first answer uses up the window of the connection.
    await client.send(headersOf(7, getWith("")));
    await http.endpoint(3).send(answerOf("x".repeat(65_535)));
    await untilSent();
    for (const at of [0, 1, 2]) {
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint(at).send(answerOf("x".repeat(20_000)));
    }
    await untilSent();
    const before = client.framesOfType(FRAME.data).length;
    await client.send(windowUpdateOf(0, 100_000));
    assert.deepEqual(
      client
        .framesOfType(FRAME.data)
        .slice(before)
        .map(({ streamId }) => streamId),
      [3, 5, 3, 5, 1, 1],
    );
    await client.peer.close();
    await http.assertBase();
  });

  it("let a small one pass a big one of the same urgency", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 1_000_000]),
      headersOf(1, requestFieldsOf()),
      headersOf(3, requestFieldsOf()),
    );
    await http.endpoint(0).send(answerOf("x".repeat(400_000)));
    await http.endpoint(1).send(answerOf("small"));
    await untilSent();
    assert.equal(client.bodyOf(1).length, 65_535);
    // The window of the connection opens by less than what the big one has left.
    await client.send(windowUpdateOf(0, 100_000));
    assert.equal(client.bodyOf(3), "small");
    assert.ok(client.bodyOf(1).length < 400_000);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("go out byte by byte only so often as the client of such windows may ask", async () => {
    const http = await MemoryHttp.start();
    const ids = Array.from({ length: 20 }, (_, number) => 2 * number + 1);
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 1_000_000]),
      ...ids.map((id) => headersOf(id, requestFieldsOf())),
    );
    for (const at of ids.keys()) {
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint(at).send(answerOf("x".repeat(70_000)));
    }
    await untilSent();
    const before = client.framesOfType(FRAME.data).length;
    for (let turn = 0; turn < 600 && client.goaways().length === 0; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(0, 1));
    }
    assert.equal(client.goaways()[0]?.[1], ERROR.enhanceYourCalm);
    assert.ok(client.framesOfType(FRAME.data).length - before <= 500);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("hold back only their own endpoint", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 1_000]),
      headersOf(1, requestFieldsOf()),
      headersOf(3, requestFieldsOf()),
      windowUpdateOf(3, 1_000_000),
      windowUpdateOf(0, 1_000_000),
    );
    const body = "x".repeat(400_000);
    const slow = http.endpoint(0);
    const fast = http.endpoint(1);
    for (let at = 0; at < body.length; at += 20_000) {
      const from = at === 0 ? answerOf(body).length - body.length : 0;
      // oxlint-disable-next-line no-await-in-loop
      await slow.send(at === 0 ? answerOf(body).slice(0, from + 20_000) : body.slice(0, 20_000));
      // oxlint-disable-next-line no-await-in-loop
      await fast.send(at === 0 ? answerOf(body).slice(0, from + 20_000) : body.slice(0, 20_000));
    }
    await untilSent();
    assert.equal(client.bodyOf(3).length, body.length);
    assert.equal(client.bodyOf(1).length, 1_000);
    // The socket of the slow endpoint is not read.
    assert.ok(slow.socket.queuedBytes > 250_000);
    await client.send(windowUpdateOf(1, 1_000_000));
    await untilSent();
    await untilSent();
    assert.equal(client.bodyOf(1).length, body.length);
    await client.peer.close();
    await http.assertBase();
  });
});
