import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCidr } from "#model/cidr.ts";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { ListenerRules } from "../build-runtime.ts";
import { EndpointHealth } from "../endpoint/endpoint-health.ts";
import { Deadlines } from "../live/deadlines.ts";
import { LiveListener } from "../live-listeners.ts";
import { OpenConnections } from "../live/open-connections.ts";
import { OpeningMemory } from "../live/opening-memory.ts";
import { VnicUsage } from "../live/vnic-usage.ts";
import { Counters } from "../observe/counters.ts";
import { SILENT, type WireHandler, type WireSocket } from "../wire/wire.ts";
import { connectEndpoint } from "./connect-endpoint.ts";
import { Connection, serveConnection } from "./connection.ts";
import type { Plane } from "./connection-state.ts";

const listenerOf = (rules: ListenerRules, usage: VnicUsage): LiveListener =>
  new LiveListener(rules, usage, new Counters().of("front.shop:1" as ListenerName), () => {});

describe("serveConnection", () => {
  it("cuts a connection whose stage throws, and gives back what it was counted for", async () => {
    const failures: HandshakeRecord[] = [];
    const deadlines = new Deadlines();
    const connections = new OpenConnections();
    const usage = new VnicUsage({ name: "front.shop" } as never);
    const plane = {
      ...{ deadlines, connections, maxConnections: 1, idPrefix: "test" },
      openingMemory: new OpeningMemory(),
      recorder: { handshakeFailed: (record: HandshakeRecord) => failures.push(record) },
    } as unknown as Plane;
    const broken = (): never => {
      throw new Error("a rule that cannot be read");
    };
    const rules = {
      spec: { name: "front.shop:1", mode: "egress", timeouts: { handshakeMs: 1_000 } },
      ...{ trustedProxies: [], denyFrom: { length: 1, some: broken } },
    } as unknown as ListenerRules;
    const counters = new Counters().of("front.shop:1" as ListenerName);
    let settled = 0;
    const listener = new LiveListener(rules, usage, counters, () => (settled += 1));
    let resets = 0;
    const socket = {
      ...{ peerAddress: "127.0.0.1", peerPort: 1 },
      reset() {
        resets += 1;
      },
    } as unknown as WireSocket;
    await assert.rejects(serveConnection(plane, listener, socket), /cannot be read/);
    deadlines.close();
    assert.deepEqual([resets, connections.size, usage.openConnections], [1, 0, 0]);
    assert.deepEqual(
      failures.map(({ failure }) => failure),
      ["internal"],
    );
    assert.deepEqual([counters.openConnections, listener.pendingConnections, settled], [0, 0, 1]);
  });
});

describe("a health check of a proxy", () => {
  it("uses up no handshake of the vNIC's rate", async () => {
    const deadlines = new Deadlines();
    const failures: HandshakeRecord[] = [];
    const usage = new VnicUsage({ name: "front.shop", handshakesPerSecond: 1 } as never);
    const plane = {
      ...{ deadlines, connections: new OpenConnections(), maxConnections: 9, idPrefix: "test" },
      openingMemory: new OpeningMemory(),
      recorder: { handshakeFailed: (record: HandshakeRecord) => failures.push(record) },
    } as unknown as Plane;
    const rules = {
      spec: {
        name: "front.shop:1",
        mode: "tcp",
        proxyProtocol: "none",
        timeouts: { handshakeMs: 1_000 },
      },
      ...{ trustedProxies: [parseCidr("127.0.0.0/8")], denyFrom: [] },
    } as unknown as ListenerRules;
    const listener = listenerOf(rules, usage);
    for (let round = 0; round < 3; round += 1) {
      let handler = SILENT;
      const socket = {
        ...{ peerAddress: "127.0.0.1", peerPort: 1, hold() {}, reset() {}, resume() {} },
        set handler(next: WireHandler) {
          handler = next;
        },
      } as unknown as WireSocket;
      const served = serveConnection(plane, listener, socket);
      handler.onData(Buffer.from("PROXY UNKNOWN\r\n"), false);
      // At once: the end is told to the stage that read the header, before the next one listens.
      handler.onClose({ kind: "reset", detail: "" });
      await served;
    }
    deadlines.close();
    assert.deepEqual([failures, usage.openConnections], [[], 0]);
  });
});

describe("connectEndpoint", () => {
  it("lets go of what a proxy announced as soon as an endpoint has been told", async () => {
    const deadlines = new Deadlines();
    const written: Buffer[] = [];
    const socket = { write: (bytes: Buffer) => written.push(bytes) } as unknown as WireSocket;
    const plane = {
      ...{ deadlines, connections: new OpenConnections(), maxConnections: 9, idPrefix: "test" },
      wire: {
        connect(_target: unknown, handler: WireHandler): WireSocket {
          queueMicrotask(() => handler.onOpen());
          return socket;
        },
      },
    } as unknown as Plane;
    const endpoint = { kind: "tcp", server: "web", address: "127.0.0.1", port: 1 };
    const health = new EndpointHealth();
    const rules = {
      spec: { proxyProtocol: "v2", timeouts: { connectMs: 1_000 } },
      endpoints: { inOrder: () => [{ endpoint, health }] },
    } as unknown as ListenerRules;
    const listener = listenerOf(rules, new VnicUsage({ name: "front.shop" } as never));
    const client = { peerAddress: "127.0.0.1", peerPort: 1 } as unknown as WireSocket;
    const connection = new Connection(plane, listener, client);
    const tlvs = Buffer.from("e0000161", "hex");
    connection.announced = {
      tlvs,
      client: { address: "::1", port: 1, destinationAddress: "::2", destinationPort: 2 },
    };
    assert.equal((await connectEndpoint(connection))?.socket, socket);
    assert.deepEqual([health.connecting, health.openConnections], [0, 1]);
    deadlines.close();
    assert.ok(written[0]?.includes(tlvs));
    assert.equal(connection.announced, undefined);
  });
});
