import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  headersOf,
  Http2Client,
  requestFieldsOf,
  settingsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FRAME, SETTING } from "./frames.ts";

const getWith = (priority: string): readonly (readonly [string, string])[] =>
  requestFieldsOf({ priority });

describe("answers that wait for a window", () => {
  it("go out by urgency, and in turns within one", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      headersOf(1, getWith("u=5")),
      headersOf(3, getWith("u=1, i")),
      // Several lines are one list, in which the last member counts.
      headersOf(5, [...getWith("u=6"), ["priority", "i, u=1"]]),
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
    assert.ok(client.framesOfType(FRAME.data).length - before <= 510);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("let their endpoint go on while the windows open by little, and the socket is never full", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 1_000]),
      headersOf(1, requestFieldsOf()),
      windowUpdateOf(0, 1_000_000),
    );
    const body = "x".repeat(20_000);
    await http.endpoint().send(answerOf(body.repeat(20)).slice(0, 20_000));
    for (let sent = 0; sent < 20; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await http
        .endpoint()
        .send(sent < 19 ? body : "x".repeat(answerOf(body.repeat(20)).length - 400_000));
    }
    for (let turn = 0; turn < 20; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(1, 20_000));
    }
    assert.equal(client.bodyOf(1).length, 400_000);
    await client.peer.close();
    await http.assertBase();
  });

  it("may be asked for with one WINDOW_UPDATE each, however many there are", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 200]),
      headersOf(1, requestFieldsOf()),
      windowUpdateOf(0, 1_000_000),
    );
    await http.endpoint().send(answerOf("x".repeat(300_200)));
    for (let turn = 0; turn < 1_500; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(1, 200));
    }
    assert.deepEqual(client.goaways(), []);
    assert.equal(client.bodyOf(1).length, 300_200);
    await client.peer.close();
    await http.assertBase();
  });

  it("keep the client from being read if it takes nothing", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 1_000_000]),
      windowUpdateOf(0, 1_000_000),
      headersOf(1, requestFieldsOf()),
    );
    client.peer.socket.pause();
    http.endpoint().take();
    await http.endpoint().send(answerOf("x".repeat(400_000)));
    await untilSent();
    await client.send(headersOf(3, requestFieldsOf()));
    assert.deepEqual([http.endpoints.length, http.endpoint().received], [1, ""]);
    client.peer.socket.resume();
    await untilSent();
    await untilSent();
    assert.equal(client.bodyOf(1).length, 400_000);
    assert.match(http.endpoint().take(), /^GET /);
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
    assert.ok(http.memory.plane.relayMemory.heldBytes >= 65_536);
    await client.send(windowUpdateOf(1, 1_000_000));
    await untilSent();
    await untilSent();
    assert.equal(client.bodyOf(1).length, body.length);
    assert.equal(http.memory.plane.relayMemory.heldBytes, 0);
    await client.peer.close();
    await http.assertBase();
  });
});
