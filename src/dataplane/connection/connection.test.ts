import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCidr } from "#model/cidr.ts";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { RuntimeListener } from "../build-runtime.ts";
import { Deadlines } from "../live/deadlines.ts";
import { OpenConnections } from "../live/open-connections.ts";
import { VnicUsage } from "../live/vnic-usage.ts";
import { Counters } from "../observe/counters.ts";
import { SILENT, type WireHandler, type WireSocket } from "../wire/wire.ts";
import { connectEndpoint } from "./connect-endpoint.ts";
import { serveConnection } from "./connection.ts";
import { ConnectionState, type Plane } from "./connection-state.ts";

describe("serveConnection", () => {
  it("cuts a connection whose stage throws, and gives back what it was counted for", async () => {
    const failures: HandshakeRecord[] = [];
    const deadlines = new Deadlines();
    const connections = new OpenConnections();
    const usage = new VnicUsage({ name: "front.shop" } as never);
    const plane = {
      ...{ deadlines, connections, maxConnections: 1, idPrefix: "test" },
      recorder: { handshakeFailed: (record: HandshakeRecord) => failures.push(record) },
    } as unknown as Plane;
    const broken = (): never => {
      throw new Error("a rule that cannot be read");
    };
    const listener = {
      spec: { name: "front.shop:1", mode: "egress", timeouts: { handshakeMs: 1_000 } },
      ...{ usage, trustedProxies: [], allowFrom: { some: broken } },
      counters: new Counters().of("front.shop:1" as ListenerName),
    } as unknown as RuntimeListener;
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
    assert.equal(listener.counters.openConnections, 0);
  });
});

describe("a health check of a proxy", () => {
  it("uses up no handshake of the vNIC's rate", async () => {
    const deadlines = new Deadlines();
    const failures: HandshakeRecord[] = [];
    const usage = new VnicUsage({ name: "front.shop", handshakesPerSecond: 1 } as never);
    const plane = {
      ...{ deadlines, connections: new OpenConnections(), maxConnections: 9, idPrefix: "test" },
      recorder: { handshakeFailed: (record: HandshakeRecord) => failures.push(record) },
    } as unknown as Plane;
    const listener = {
      spec: {
        name: "front.shop:1",
        mode: "tcp",
        proxyProtocol: "none",
        timeouts: { handshakeMs: 1_000 },
      },
      ...{ usage, trustedProxies: [parseCidr("127.0.0.0/8")] },
      counters: new Counters().of("front.shop:1" as ListenerName),
    } as unknown as RuntimeListener;
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
      handler.onClose({ code: "ECONNRESET", detail: "" });
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
      ...{ deadlines, idPrefix: "test" },
      wire: {
        connect(_target: unknown, handler: WireHandler): WireSocket {
          queueMicrotask(() => handler.onOpen());
          return socket;
        },
      },
    } as unknown as Plane;
    const endpoint = { kind: "tcp", server: "web", address: "127.0.0.1", port: 1 };
    const health = { openConnections: 0, succeeded() {} };
    const listener = {
      spec: { proxyProtocol: "v2", timeouts: { connectMs: 1_000 } },
      endpoints: { inOrder: () => [{ endpoint, health }] },
      counters: new Counters().of("front.shop:1" as ListenerName),
    } as unknown as RuntimeListener;
    const client = { peerAddress: "127.0.0.1", peerPort: 1 } as unknown as WireSocket;
    const connection = new ConnectionState(plane, listener, client);
    const tlvs = Buffer.from("e0000161", "hex");
    connection.announced = {
      tlvs,
      client: { address: "::1", port: 1, destinationAddress: "::2", destinationPort: 2 },
    };
    assert.equal(await connectEndpoint(connection), socket);
    deadlines.close();
    assert.ok(written[0]?.includes(tlvs));
    assert.equal(connection.announced, undefined);
  });
});
