import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MaterialId } from "#model/names.ts";
import type { EndpointMetricName } from "#model/records/metric-catalog.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import { egressListener, MemoryPlane, tcpListener } from "#harness/memory-plane.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import type { EndpointRules } from "../listener-rules.ts";
import type { LiveListener } from "../live-listeners.ts";
import { connectEndpoint } from "./connect-endpoint.ts";
import { Connection, serveConnection } from "./connection.ts";

const address = "127.0.0.2";
const endpoint: SnapshotEndpoint = { kind: "tcp", server: "web", address, port: 1, weight: 1 };

describe("serveConnection", () => {
  it("closes a connection whose stage throws, and releases everything that was counted for it", async () => {
    const memory = new MemoryPlane();
    await memory.startEndpoint(address, 1);
    const trust = "a CA set that has not arrived" as MaterialId;
    const listener = memory.listenerOf({
      ...egressListener,
      endpoints: [endpoint],
      endpointTls: { verify: true, serverName: undefined, trust, certificate: undefined },
    });
    const [client, socket] = memory.pairTo(listener);
    await assert.rejects(serveConnection(memory.plane, listener, socket), /has not arrived/);
    await untilQuiet();
    assert.deepEqual([client.failure, memory.outcomes()], ["reset", ["internal"]]);
    const { usage, counters, pendingConnections } = listener;
    const { connecting, openConnections } = memory.healths.of(`${address}:1`);
    assert.deepEqual([memory.plane.connections.size, usage.openConnections], [0, 0]);
    assert.deepEqual([counters.openConnections, pendingConnections], [0, 0]);
    assert.deepEqual([connecting, openConnections], [0, 0]);
  });
});

describe("a health check of a proxy", () => {
  it("does not count against the handshake rate of the vNIC", async () => {
    const memory = new MemoryPlane();
    const listener = memory.listenerOf(
      { ...tcpListener, acceptProxyProtocol: ["192.0.2.0/24"] },
      { handshakesPerSecond: 1 },
    );
    for (let round = 0; round < 3; round += 1) {
      const [client, socket] = memory.pairTo(listener);
      const served = serveConnection(memory.plane, listener, socket);
      client.socket.write(Buffer.from("PROXY UNKNOWN\r\n"));
      // The reset follows immediately, so the stage that reads the header handles it, and not the next stage.
      client.socket.reset();
      // The connections are sequential, because they share the rate.
      // oxlint-disable-next-line no-await-in-loop
      await served;
    }
    assert.deepEqual([memory.outcomes(), listener.usage.openConnections], [[], 0]);
  });
});

describe("connectEndpoint", () => {
  it("drops the received PROXY header as soon as an endpoint has received it", async () => {
    const memory = new MemoryPlane();
    const accepted = await memory.startEndpoint(address, 1);
    const spec = { ...tcpListener, endpoints: [endpoint], proxyProtocol: "v2" } as const;
    const listener = memory.listenerOf(spec) as LiveListener<EndpointRules, EndpointMetricName>;
    const [, socket] = memory.pairTo(listener);
    const connection = new Connection(memory.plane, listener, socket);
    const tlvs = Buffer.from("e0000161", "hex");
    connection.announced = {
      tlvs,
      client: { address: "::1", port: 1, destinationAddress: "::2", destinationPort: 2 },
    };
    const lease = await connectEndpoint(connection);
    await untilQuiet();
    assert.equal(lease?.isOpen, true);
    assert.ok(accepted[0]?.received.includes(tlvs.toString("latin1")));
    assert.equal(connection.announced, undefined);
  });
});
