import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PlannedCuts } from "#dataplane/connection/planned-cuts.ts";
import {
  dataOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  resetOf,
  settingsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { acceptWebSocket, webSocketFieldsOf } from "#harness/http2-web-socket.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME, SETTING } from "./frames.ts";

const connect = (more: Readonly<Record<string, string | undefined>> = {}): Buffer =>
  headersOf(1, webSocketFieldsOf(more), 0);

describe("a WebSocket in a stream", () => {
  it("relays bytes both ways after the endpoint has switched, and ends with both halves", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect(), dataOf(1, "early"));
    await acceptWebSocket(http, "first");
    assert.deepEqual(client.headOf(1).slice(0, 2), [":status: 200", "sec-websocket-protocol: x"]);
    assert.equal(http.endpoint().take(), "early");
    await client.send(dataOf(1, "hello"));
    await http.endpoint().send("world");
    await untilSent();
    assert.equal(http.endpoint().take(), "hello");
    assert.equal(client.bodyOf(1), "firstworld");
    await client.send(dataOf(1, "", FLAG.endStream));
    assert.ok(http.endpoint().hasEnded);
    await http.endpoint().close();
    await untilSent();
    assert.equal(client.frames().at(-1)?.flags, FLAG.endStream);
    assert.deepEqual(http.outcomes(), ["upgraded"]);
    await client.peer.close();
    await http.assertBase();
  });

  it("opens with the fields of the endpoint, whatever the director sets and removes", async () => {
    const responseFields = { set: [["X-A", "ours"]], remove: ["sec-websocket-protocol"] } as const;
    const http = await MemoryHttp.start({ http: { responseFields, hsts: "max-age=60" } });
    const client = await Http2Client.connect(http, connect());
    await acceptWebSocket(http);
    const [status, protocol, date, ...others] = client.headOf(1);
    assert.deepEqual([status, protocol], [":status: 200", "sec-websocket-protocol: x"]);
    assert.match(date ?? "", /^date: /);
    assert.deepEqual(others, []);
    await client.peer.close();
    await http.endpoint().close();
    await http.assertBase();
  });

  it("is reset at the endpoint if the client resets the stream, and the other way round", async () => {
    for (const side of ["client", "endpoint"] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(http, connect());
      // oxlint-disable-next-line no-await-in-loop
      await acceptWebSocket(http);
      // oxlint-disable-next-line no-await-in-loop
      if (side === "client") await client.send(resetOf(1, ERROR.cancel));
      else http.endpoint().socket.reset();
      // oxlint-disable-next-line no-await-in-loop
      await untilSent();
      if (side === "client") assert.equal(http.endpoint().failure, "reset");
      else assert.deepEqual(client.resetsOf(1), [ERROR.cancel]);
      assert.deepEqual(http.outcomes(), ["upgraded"]);
      // oxlint-disable-next-line no-await-in-loop
      await client.peer.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("is an ordinary answer if the endpoint refuses", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect());
    await http.endpoint().send(answerOf("no").replace("200 OK", "403 Forbidden"));
    await untilSent();
    assert.equal(client.headOf(1)[0], ":status: 403");
    assert.equal(client.bodyOf(1), "no");
    assert.deepEqual(client.resetsOf(1), [ERROR.none]);
    await client.peer.close();
    await http.assertBase();
  });

  it("gets 502 if the endpoint answers with success without a switch, or with a wrong key", async () => {
    for (const answer of [
      answerOf("ok"),
      "HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n",
    ]) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(http, connect());
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(answer);
      // oxlint-disable-next-line no-await-in-loop
      await untilSent();
      assert.equal(client.headOf(1)[0], ":status: 502");
      assert.deepEqual(http.outcomes(), ["bad-answer"]);
      // oxlint-disable-next-line no-await-in-loop
      await client.peer.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("of another protocol gets 501, and CONNECT without one 405", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect({ ":protocol": "connect-udp" }));
    assert.equal(client.headOf(1)[0], ":status: 501");
    const plain = { ":method": "CONNECT", ":scheme": undefined, ":path": undefined };
    await client.send(headersOf(3, requestFieldsOf(plain), 0));
    assert.equal(client.headOf(3)[0], ":status: 405");
    assert.equal(http.endpoints.length, 0);
    await client.peer.close();
    await http.assertBase();
  });

  it("gets the key of the director in the place of one that the client sends", async () => {
    const http = await MemoryHttp.start();
    const key = "dGhlIHNhbXBsZSBub25jZQ==";
    const client = await Http2Client.connect(http, connect({ "sec-websocket-key": key }));
    assert.ok(!http.endpoint().received.includes(key));
    assert.equal(http.endpoint().received.match(/sec-websocket-key/g)?.length, 1);
    await acceptWebSocket(http);
    assert.equal(client.headOf(1)[0], ":status: 200");
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("gets 400 if it is not of version 13", async () => {
    for (const version of ["8", "13, 8", undefined]) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(http, connect({ "sec-websocket-version": version }));
      assert.equal(client.headOf(1)[0], ":status: 400");
      assert.equal(http.endpoints.length, 0);
      http.memory.outcomes();
      assert.deepEqual(
        http.memory.exchanges.map(({ rule }) => rule),
        ["unknown-websocket-version"],
      );
      // oxlint-disable-next-line no-await-in-loop
      await client.peer.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("holds back a client whose endpoint takes nothing, and goes on with it", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect());
    await acceptWebSocket(http);
    http.endpoint().socket.pause();
    for (let sent = 0; sent < 8; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    const granted = client
      .framesOfType(FRAME.windowUpdate, 1)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 65_535);
    assert.ok(granted < 300_000, String(granted));
    http.endpoint().socket.resume();
    await untilSent();
    assert.equal(http.endpoint().take().length, 128_000);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("holds back an endpoint whose client takes nothing, and goes on with it", async () => {
    for (const isLate of [false, true]) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(
        http,
        settingsOf([SETTING.initialWindowSize, 1_000]),
        windowUpdateOf(0, 1_000_000),
        connect(),
      );
      const piece = "x".repeat(100_000);
      // oxlint-disable-next-line no-await-in-loop
      await acceptWebSocket(http, isLate ? "" : piece);
      for (let sent = isLate ? 0 : 1; sent < 4; sent += 1) {
        // oxlint-disable-next-line no-await-in-loop
        await http.endpoint().send(piece);
      }
      assert.ok(http.endpoint().socket.queuedBytes >= 200_000);
      for (let turn = 0; turn < 20; turn += 1) {
        // oxlint-disable-next-line no-await-in-loop
        await client.send(windowUpdateOf(1, 20_000));
      }
      assert.equal(client.bodyOf(1).length, 400_000);
      client.peer.socket.reset();
      // oxlint-disable-next-line no-await-in-loop
      await untilSent();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("that one side has ended is reset when the other one says nothing for 30 s", async () => {
    for (const side of ["client", "endpoint"] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(http, connect());
      // oxlint-disable-next-line no-await-in-loop
      await acceptWebSocket(http);
      // oxlint-disable-next-line no-await-in-loop
      if (side === "client") await client.send(dataOf(1, "", FLAG.endStream));
      // oxlint-disable-next-line no-await-in-loop
      else await http.endpoint().close();
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(29_000);
      assert.deepEqual(http.outcomes(), []);
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(1_200);
      assert.deepEqual(http.outcomes(), ["upgraded"]);
      // oxlint-disable-next-line no-await-in-loop
      await client.peer.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("is reset on both sides when its server was drained and the deadline has passed", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect());
    await acceptWebSocket(http);
    const cuts = new PlannedCuts({ plane: http.memory.plane, send: () => undefined });
    cuts.replace([{ number: 1, inMs: 1_000, server: "web", except: [] }]);
    await http.advance(900);
    assert.deepEqual(client.resetsOf(1), []);
    await http.advance(200);
    await untilSent();
    assert.deepEqual(client.resetsOf(1), [ERROR.cancel]);
    assert.equal(http.endpoint().failure, "reset");
    assert.deepEqual(http.outcomes(), ["server-drained"]);
    await client.peer.close();
    await http.assertBase();
  });

  it("without a byte is ended after an hour", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, connect());
    await acceptWebSocket(http);
    await http.advance(3_600_200);
    await untilSent();
    assert.deepEqual(client.resetsOf(1), [ERROR.cancel]);
    assert.equal(http.endpoint().failure, "reset");
    await client.peer.close();
    await http.assertBase();
  });
});
