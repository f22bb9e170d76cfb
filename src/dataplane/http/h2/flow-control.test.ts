import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  blockOf,
  dataOf,
  frameOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  resetOf,
  untilSent,
} from "#harness/http2-client.ts";
import { MemoryHttp } from "#harness/memory-http.ts";
import type { WireSocket } from "../../wire/wire.ts";
import { ERROR, FLAG, FRAME } from "./frames.ts";

const post = requestFieldsOf({ ":method": "POST" });

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

  it("grow while the endpoint takes everything, up to 8 MiB", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    for (let sent = 0; sent < 800; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    const credit = grantedTo(client, 1) - 800 * 16_000;
    assert.ok(credit > 7 * 1024 * 1024 && credit <= 8 * 1024 * 1024, String(credit));
    const { relayMemory } = http.memory.plane;
    assert.equal(relayMemory.heldBytes, 0);
    http.endpoint().socket.pause();
    for (let sent = 0; sent < 20; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    // What the endpoint does not take counts as memory for slow readers: nearly all, apart from what its socket has taken.
    assert.ok(relayMemory.heldBytes > 20 * 16_000 - 2 * 65_536, String(relayMemory.heldBytes));
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

  it("are memory for slow readers as soon as they are used and the endpoint takes nothing", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, post, 0));
    for (let sent = 0; sent < 600; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
    }
    const { relayMemory } = http.memory.plane;
    assert.equal(relayMemory.heldBytes, 0);
    http.endpoint().socket.pause();
    for (let sent = 1; sent <= 200; sent += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(1, "x".repeat(16_000)));
      // The rest is in the socket of the endpoint.
      assert.ok(relayMemory.heldBytes >= sent * 16_000 - 140_000, String(sent));
    }
    relayMemory.limitBytes = 1_000_000;
    await client.send(dataOf(1, "x"));
    assert.ok(client.peer.isClosed && relayMemory.heldBytes <= relayMemory.limitBytes);
    assert.deepEqual(http.outcomes(), ["over-limit"]);
    await http.assertBase();
  });

  it("go on while others that had grown are stuck, with at most 16 MiB of all of them", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http);
    const sent = new Map<number, number>();
    const send = async (id: number, bytes: number): Promise<void> => {
      sent.set(id, (sent.get(id) ?? 0) + bytes);
      await client.send(dataOf(id, "x".repeat(bytes)));
    };
    const creditOf = (id: number): number => grantedTo(client, id) - (sent.get(id) ?? 0);
    const openStream = async (id: number): Promise<void> => {
      await client.send(headersOf(id, post, 0));
      for (let count = 0; count < 300; count += 1) {
        // oxlint-disable-next-line no-await-in-loop
        await send(id, 16_000);
      }
    };
    const stuck = [1, 3, 5, 7, 9];
    for (const id of stuck) {
      // oxlint-disable-next-line no-await-in-loop
      await openStream(id);
    }
    assert.ok(creditOf(1) > 7 * 1024 * 1024, "the first one has grown");
    stuck.forEach((_, number) => http.endpoint(number).socket.pause());
    for (const id of stuck) {
      // oxlint-disable-next-line no-await-in-loop
      while (creditOf(id) >= 1_000) await send(id, Math.min(16_000, creditOf(id)));
    }
    const { heldBytes } = http.memory.plane.relayMemory;
    assert.ok(heldBytes > 8 * 1024 * 1024 && heldBytes <= 16 * 1024 * 1024, String(heldBytes));
    await openStream(11);
    const total = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(grantedTo(client, 0) - total >= 65_535, "the connection has room for a whole window");
    assert.ok(creditOf(11) >= 32_768);
    assert.deepEqual([client.goaways(), http.outcomes()], [[], []]);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  for (const [how, end] of [
    ["has ended", (client, id) => client.send(dataOf(id, "x", FLAG.endStream))],
    ["was reset", (client, id) => client.send(resetOf(id, ERROR.cancel))],
    [
      "has ended before its endpoint took the rest",
      async (client, id, socket) => {
        socket.pause();
        for (let count = 0; count < 20; count += 1) {
          // oxlint-disable-next-line no-await-in-loop
          await client.send(dataOf(id, "x".repeat(16_000)));
        }
        await client.send(dataOf(id, "x", FLAG.endStream));
        socket.resume();
        await untilSent();
      },
    ],
  ] satisfies readonly [
    string,
    (client: Http2Client, id: number, endpoint: WireSocket) => Promise<unknown>,
  ][]) {
    it(`may grow as far as those of a stream that ${how}`, async () => {
      const http = await MemoryHttp.start();
      const client = await Http2Client.connect(http);
      for (const id of [1, 3, 5]) {
        // oxlint-disable-next-line no-await-in-loop
        await client.send(headersOf(id, post, 0));
        for (let count = 0; count < 800; count += 1) {
          // oxlint-disable-next-line no-await-in-loop
          await client.send(dataOf(id, "x".repeat(16_000)));
        }
        const credit = grantedTo(client, id) - 800 * 16_000;
        assert.ok(credit > 7 * 1024 * 1024, `${id}: ${credit}`);
        // oxlint-disable-next-line no-await-in-loop
        await end(client, id, http.endpoint((id - 1) / 2).socket);
      }
      client.peer.socket.reset();
      await untilSent();
      await http.assertBase();
    });
  }

  it("of the connection go on while 30 streams wait for their endpoints", async () => {
    const http = await MemoryHttp.start();
    http.memory.wire.silentAddresses.add("127.0.0.2:1");
    const client = await Http2Client.connect(http);
    for (let number = 0; number < 30; number += 1) {
      const pieces = Array.from({ length: 5 }, () => dataOf(2 * number + 1, "x".repeat(13_000)));
      // oxlint-disable-next-line no-await-in-loop
      await client.send(headersOf(2 * number + 1, post, 0), ...pieces);
    }
    assert.ok(grantedTo(client, 0) > 30 * 65_000);
    assert.deepEqual(client.goaways(), []);
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

describe("the heads of requests that wait for an endpoint", () => {
  it("are memory for slow readers, until their answers begin", async () => {
    const http = await MemoryHttp.start();
    http.memory.wire.silentAddresses.add("127.0.0.2:1");
    const { relayMemory } = http.memory.plane;
    const client = await Http2Client.connect(http);
    // A field of 4 KB, and 15 references to it in one byte each.
    const first = Buffer.concat([
      Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e),
      Buffer.alloc(4_000, 98),
    ]);
    for (let number = 0; number < 100; number += 1) {
      const block = [blockOf(requestFieldsOf()), number === 0 ? first : Buffer.alloc(15, 0xbe)];
      const flags = FLAG.endHeaders | FLAG.endStream;
      // oxlint-disable-next-line no-await-in-loop
      await client.send(frameOf(FRAME.headers, flags, 2 * number + 1, Buffer.concat(block)));
    }
    assert.ok(relayMemory.heldBytes > 99 * 60_000, String(relayMemory.heldBytes));
    await client.send(resetOf(5, ERROR.cancel), headersOf(201, requestFieldsOf()));
    assert.ok(relayMemory.heldBytes < 99 * 60_000 + 4_000, String(relayMemory.heldBytes));
    relayMemory.limitBytes = 1_000_000;
    await client.send(headersOf(203, requestFieldsOf()), resetOf(3, ERROR.cancel));
    assert.ok(client.peer.isClosed);
    assert.equal(relayMemory.heldBytes, 0);
    await http.assertBase();
  });
});
