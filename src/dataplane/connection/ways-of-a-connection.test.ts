import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SnapshotEndpoint, SnapshotListener } from "#model/records/snapshot.ts";
import {
  egressListener,
  MemoryPlane,
  tcpListener,
  type MemoryPeer,
} from "#harness/memory-plane.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import { slotOf } from "../observe/counters.ts";

const endpointAt = (port: number): SnapshotEndpoint => ({
  kind: "tcp",
  server: `web-${port}`,
  address: "127.0.0.2",
  port,
  weight: 1,
});
const [first, second] = [endpointAt(1), endpointAt(2)];
const unverified = {
  ...{ verify: false, serverName: undefined, trust: undefined, certificate: undefined },
};
const twoEndpoints: SnapshotListener = { ...egressListener, endpoints: [first, second] };

/** Starts a relay between a client and an endpoint. */
async function relayed() {
  const memory = new MemoryPlane();
  const accepted = await memory.startEndpoint("127.0.0.2", 1);
  const listener = memory.listenerOf({ ...egressListener, endpoints: [first] });
  const client = await memory.connect(listener);
  const [endpoint] = accepted;
  assert.ok(endpoint !== undefined, "no connection has come to the endpoint");
  return { memory, listener, client, endpoint };
}

const stateOf = ({ isClosed, failure }: MemoryPeer): unknown => ({ isClosed, failure });
const CLOSED = { isClosed: true, failure: undefined };
const RESET = { isClosed: true, failure: "reset" };

describe("a client that sends nothing", () => {
  it("is reset at the handshake deadline", async () => {
    const memory = new MemoryPlane();
    const client = await memory.connect(memory.listenerOf(tcpListener));
    await memory.clock.advance(9_900);
    assert.deepEqual([client.isClosed, memory.outcomes()], [false, []]);
    await memory.clock.advance(200);
    assert.deepEqual([stateOf(client), memory.outcomes()], [RESET, ["deadline"]]);
  });

  it("is closed if no byte is transferred within the idle deadline", async () => {
    const { memory, client, endpoint } = await relayed();
    await memory.clock.advance(59_000);
    await client.send("still here");
    await memory.clock.advance(59_000);
    assert.deepEqual(memory.outcomes(), []);
    await memory.clock.advance(2_000);
    assert.deepEqual(memory.outcomes(), ["idle"]);
    assert.deepEqual([client.isClosed, endpoint.isClosed], [true, true]);
  });
});

describe("a relay", () => {
  it("continues in one direction after the other has ended", async () => {
    const { memory, client, endpoint } = await relayed();
    await client.send("question");
    client.socket.end();
    await untilQuiet();
    assert.deepEqual([endpoint.received, endpoint.hasEnded], ["question", true]);
    await endpoint.send("answer");
    assert.deepEqual([client.received, client.hasEnded], ["answer", false]);
    endpoint.socket.end();
    await untilQuiet();
    assert.deepEqual([stateOf(client), stateOf(endpoint)], [CLOSED, CLOSED]);
    assert.deepEqual(memory.outcomes(), ["completed"]);
  });

  it("passes a reset by the client on to the endpoint", async () => {
    const { memory, client, endpoint } = await relayed();
    client.socket.reset();
    await untilQuiet();
    assert.deepEqual([stateOf(endpoint), memory.outcomes()], [RESET, ["client-reset"]]);
  });

  it("delivers what the endpoint sent before it reset the connection, and then resets the client", async () => {
    const { memory, client, endpoint } = await relayed();
    await endpoint.send("half an answer");
    endpoint.socket.reset();
    await untilQuiet();
    assert.deepEqual([client.received, client.isClosed], ["half an answer", false]);
    await memory.clock.advance(400);
    assert.deepEqual([stateOf(client), memory.outcomes()], [RESET, ["endpoint-reset"]]);
  });

  it("stops reading from one side while the other side does not read", async () => {
    const { client, endpoint } = await relayed();
    endpoint.socket.pause();
    for (let count = 0; count < 20; count += 1) {
      // The sends are sequential, because any of them can fill the buffers.
      // oxlint-disable-next-line no-await-in-loop
      await client.send("x".repeat(16_384));
    }
    assert.ok(client.socket.queuedBytes > 0);
    endpoint.socket.resume();
    await untilQuiet();
    assert.deepEqual([client.socket.queuedBytes, endpoint.received.length], [0, 20 * 16_384]);
  });

  it("counts each byte once, while the connection is open and at its end", async () => {
    const { memory, listener, client } = await relayed();
    const slot = slotOf("tlsd_bytes_from_clients_total");
    const counted = (): number | undefined => {
      memory.plane.connections.countBytes();
      const pairs = listener.counters.takeChanges() ?? [];
      return pairs.find((_, at) => at % 2 === 1 && pairs[at - 1] === slot);
    };
    await client.send("12345");
    assert.equal(counted(), 5);
    assert.equal(counted(), undefined);
    await client.send("123");
    client.socket.reset();
    await untilQuiet();
    assert.equal(counted(), 3);
  });
});

describe("endpoints", () => {
  it("are tried in order if one refuses, and are counted while they are used", async () => {
    const memory = new MemoryPlane();
    const accepted = await memory.startEndpoint("127.0.0.2", 2);
    const client = await memory.connect(memory.listenerOf(twoEndpoints));
    assert.deepEqual(memory.wire.connects, ["127.0.0.2:1", "127.0.0.2:2"]);
    const health = memory.healths.of("127.0.0.2:2");
    assert.deepEqual([health.connecting, health.openConnections], [0, 1]);
    client.socket.end();
    accepted[0]?.socket.end();
    await untilQuiet();
    assert.deepEqual([health.openConnections, memory.outcomes()], [0, ["completed"]]);
    assert.equal(memory.connections[0]?.endpoint, "web-2 127.0.0.2:2");
  });

  it("are tried in order if one does not answer by the deadline", async () => {
    const memory = new MemoryPlane();
    memory.wire.silentAddresses.add("127.0.0.2:1");
    const accepted = await memory.startEndpoint("127.0.0.2", 2);
    await memory.connect(memory.listenerOf(twoEndpoints));
    await memory.clock.advance(4_900);
    const health = memory.healths.of("127.0.0.2:1");
    assert.deepEqual([accepted.length, health.connecting], [0, 1]);
    await memory.clock.advance(200);
    assert.deepEqual([accepted.length, health.connecting], [1, 0]);
  });

  it("that the newest rules do not have any more are not waited for", async () => {
    for (const stage of ["connect", "handshake"] as const) {
      const memory = new MemoryPlane();
      for (const port of [1, 2]) await memory.startEndpoint("127.0.0.2", port);
      if (stage === "connect") memory.wire.silentAddresses.add("127.0.0.2:1");
      memory.wire.isTlsSilent = stage === "handshake";
      const listener = memory.listenerOf({ ...twoEndpoints, endpointTls: unverified });
      const client = await memory.connect(listener);
      assert.deepEqual(memory.wire.connects, ["127.0.0.2:1"]);
      memory.wire.isTlsSilent = false;
      // A change that keeps the endpoint does not disturb the attempt.
      listener.rules = memory.listenerOf({ ...twoEndpoints, endpointTls: unverified }).rules;
      memory.plane.connections.reconsiderWaiting();
      await untilQuiet();
      assert.equal(memory.wire.connects.length, 1);
      const moved = { ...twoEndpoints, endpoints: [second], endpointTls: unverified };
      listener.rules = memory.listenerOf(moved).rules;
      memory.plane.connections.reconsiderWaiting();
      await untilQuiet();
      assert.deepEqual(memory.wire.connects, ["127.0.0.2:1", "127.0.0.2:2"]);
      await client.send("hello");
      assert.equal(memory.healths.of("127.0.0.2:1").connecting, 0);
      assert.equal(memory.healths.of("127.0.0.2:2").openConnections, 1);
      assert.deepEqual([client.isClosed, memory.outcomes()], [false, []]);
    }
  });

  it("have no connect in progress after the client has left", async () => {
    const memory = new MemoryPlane();
    memory.wire.silentAddresses.add("127.0.0.2:1");
    const client = await memory.connect(
      memory.listenerOf({ ...egressListener, endpoints: [first] }),
    );
    client.socket.reset();
    await untilQuiet();
    assert.equal(memory.healths.of("127.0.0.2:1").connecting, 0);
    assert.deepEqual(memory.outcomes(), ["client-reset"]);
    assert.equal(memory.connections[0]?.endpoint, undefined);
  });
});
