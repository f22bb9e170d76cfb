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
const endpoint: SnapshotEndpoint = { kind: "tcp", server: "web", address, port: 1 };

describe("serveConnection", () => {
  it("cuts a connection whose stage throws, and gives back what it was counted for", async () => {
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
  it("uses up no handshake of the vNIC's rate", async () => {
    const memory = new MemoryPlane();
    const listener = memory.listenerOf(
      { ...tcpListener, acceptProxyProtocol: ["192.0.2.0/24"] },
      { handshakesPerSecond: 1 },
    );
    for (let round = 0; round < 3; round += 1) {
      const [client, socket] = memory.pairTo(listener);
      const served = serveConnection(memory.plane, listener, socket);
      client.socket.write(Buffer.from("PROXY UNKNOWN\r\n"));
      // At once: the end is told to the stage that read the header, before the next one listens.
      client.socket.reset();
      // One after the other, as they share the rate.
      // oxlint-disable-next-line no-await-in-loop
      await served;
    }
    assert.deepEqual([memory.outcomes(), listener.usage.openConnections], [[], 0]);
  });
});

describe("connectEndpoint", () => {
  it("lets go of what a proxy announced as soon as an endpoint has been told", async () => {
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
