import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  frameOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";
import type { MemoryPeer } from "#harness/memory-plane.ts";

const get = requestOf("GET /");
const limitBytes = 100_000;
const longField = `x-long: ${"x".repeat(45_000)}`;

async function startLimited(): Promise<MemoryHttp> {
  const http = await MemoryHttp.start();
  http.memory.plane.relayMemory.limitBytes = limitBytes;
  return http;
}

const heldBytesOf = (http: MemoryHttp): number => http.memory.plane.relayMemory.heldBytes;

describe("what cannot be passed on yet counts as memory for slow peers", () => {
  it("heads that arrive in parts: the oldest is given up, and the others are served", async () => {
    const http = await startLimited();
    const clients: MemoryPeer[] = [];
    for (let number = 0; number < 3; number += 1) {
      // oxlint-disable-next-line no-await-in-loop
      clients.push(await http.send(`GET / HTTP/1.1\r\nhost: shop.test\r\n${longField}`));
      assert.ok(heldBytesOf(http) >= 45_000 && heldBytesOf(http) <= limitBytes);
    }
    assert.deepEqual(
      clients.map(({ isClosed }) => isClosed),
      [true, true, false],
    );
    assert.deepEqual(http.memory.outcomes(), ["relay-memory", "relay-memory"]);
    await clients[2]?.send("\r\n\r\n");
    assert.equal(heldBytesOf(http), 0);
    await http.endpoint().send(answerOf("served"));
    assert.match(clients[2]?.received ?? "", /served$/);
    await clients[2]?.close();
    await http.assertBase();
  });

  it("requests that are sent ahead: the client that has waited longest is given up", async () => {
    const http = await startLimited();
    const ahead = get.repeat(Math.ceil(60_000 / get.length));
    const first = await http.send(get);
    await first.send(ahead);
    const second = await http.send(get);
    assert.ok(heldBytesOf(http) >= 60_000);
    await second.send(ahead);
    assert.deepEqual([first.isClosed, second.isClosed], [true, false]);
    assert.deepEqual(http.outcomes(), ["over-limit"]);
    second.socket.reset();
    await http.assertBase();
  });

  it("heads of answers that arrive in parts: the request that has waited longest gets 503", async () => {
    const http = await startLimited();
    const head = `HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${longField}`;
    const first = await http.send(get);
    await http.endpoint().send(head);
    const second = await http.send(get);
    await http.endpoint().send(head.slice(0, 40_000));
    assert.ok(heldBytesOf(http) > 0 && heldBytesOf(http) <= limitBytes);
    assert.match(first.received, /^HTTP\/1\.1 503 /);
    await http.endpoint().send("\r\n\r\n");
    assert.equal(heldBytesOf(http), 0);
    assert.match(second.received, /^HTTP\/1\.1 200 /);
    await first.close();
    await second.close();
    await http.assertBase();
  });

  it("field blocks of HTTP/2 that arrive in parts: the oldest session is given up", async () => {
    const http = await startLimited();
    const sessions: Http2Client[] = [];
    const part = Buffer.alloc(16_000);
    for (let number = 0; number < 3; number += 1) {
      // oxlint-disable-next-line no-await-in-loop
      const session = await Http2Client.connect(http);
      sessions.push(session);
      // oxlint-disable-next-line no-await-in-loop
      await session.send(frameOf(1, 0, 1, part), frameOf(9, 0, 1, part), frameOf(9, 0, 1, part));
      assert.ok(heldBytesOf(http) >= 48_000 && heldBytesOf(http) <= limitBytes);
    }
    assert.deepEqual(
      sessions.map(({ peer }) => peer.isClosed),
      [true, false, false],
    );
    for (const { peer } of sessions) peer.socket.reset();
    await http.assertBase();
  });
});

/** Connects clients one after the other. Each takes more than 64 KiB of its answers, and then no more. */
async function connectStuck(http: MemoryHttp): Promise<readonly [Http2Client, Http2Client]> {
  const connect = async (): Promise<Http2Client> => {
    const client = await Http2Client.connect(http, headersOf(1, requestFieldsOf()));
    await http.endpoint().send(answerOf("x".repeat(300_000)));
    await untilSent();
    await client.send(...windowsOf(10_000));
    return client;
  };
  return [await connect(), await connect()];
}

const windowsOf = (bytes: number): readonly Buffer[] => [
  windowUpdateOf(0, bytes),
  windowUpdateOf(1, bytes),
];
/** Lets another connection hold so much that one of the others must be given up. */
async function exceedLimit(http: MemoryHttp): Promise<void> {
  const { relayMemory } = http.memory.plane;
  relayMemory.limitBytes = relayMemory.heldBytes;
  assert.ok(relayMemory.heldBytes > 0);
  const other = { shed: () => undefined };
  relayMemory.hold(other, 1);
  relayMemory.release(other);
  await untilSent();
}
const ping = frameOf(6, 0, 0, "12345678");

describe("the order in which connections are given up", () => {
  it("is that in which they got stuck: PING and small windows of HTTP/2 change nothing", async () => {
    const http = await MemoryHttp.start();
    const [first, second] = await connectStuck(http);
    await first.send(ping, ...windowsOf(200));
    await exceedLimit(http);
    assert.deepEqual([first.peer.isClosed, second.peer.isClosed], [true, false]);
    second.peer.socket.reset();
    await http.assertBase();
  });

  it("is later for a client that takes more", async () => {
    const http = await MemoryHttp.start();
    const [first, second] = await connectStuck(http);
    await first.send(...windowsOf(70_000));
    await exceedLimit(http);
    assert.deepEqual([first.peer.isClosed, second.peer.isClosed], [false, true]);
    first.peer.socket.reset();
    await http.assertBase();
  });
});
