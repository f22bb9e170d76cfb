import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { ListenerRules } from "../build-runtime.ts";
import { Deadlines } from "../live/deadlines.ts";
import { LiveListener } from "../live-listeners.ts";
import { OpenConnections } from "../live/open-connections.ts";
import { VnicUsage } from "../live/vnic-usage.ts";
import { Counters } from "../observe/counters.ts";
import type { WireSocket } from "../wire/wire.ts";
import { serveConnection } from "./connection.ts";
import type { Plane } from "./connection-state.ts";

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
