import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConnectionFilter } from "#model/records/open-connection.ts";
import type { VnicName } from "#model/names.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { ToControl } from "#protocol/messages.ts";
import { egressListener, MemoryPlane, tcpListener } from "#harness/memory-plane.ts";
import { slotsByLabel } from "../observe/counters.ts";
import { OperatorRequests } from "./operator-requests.ts";

type Reply<Name extends ToControl["type"]> = Extract<ToControl, { readonly type: Name }>;

const served: SnapshotListener = {
  ...egressListener,
  endpoints: [{ kind: "tcp", server: "web-1", address: "127.0.0.2", port: 1, weight: 1 }],
};
const other: SnapshotListener = { ...tcpListener, vnic: "back.shop" as VnicName };
const ENDED = slotsByLabel("tlsd_connections_ended_total");

/** A plane with a connection in each stage, and the requests of an operator. */
async function makeSite() {
  const memory = new MemoryPlane();
  const [endpoint, relaying] = [
    await memory.startEndpoint("127.0.0.2", 1),
    memory.listenerOf(served),
  ];
  const client = await memory.connect(relaying);
  const opening = await memory.connect(memory.listenerOf(other));
  let answer = Promise.withResolvers<ToControl>();
  const requests = new OperatorRequests({
    plane: memory.plane,
    send: (message) => {
      answer.resolve(message);
      return "sent";
    },
  });
  const ask = (request: Parameters<OperatorRequests["receive"]>[0]): Promise<ToControl> => {
    answer = Promise.withResolvers();
    requests.receive(request);
    return answer.promise;
  };
  const list = async (filter: ConnectionFilter = {}, limit = 10): Promise<Reply<"connections">> => {
    const reply = await ask({ type: "list-connections", number: 1, filter, limit });
    return reply as Reply<"connections">;
  };
  const cut = async (filter: ConnectionFilter): Promise<number> =>
    ((await ask({ type: "cut-connections", number: 2, filter })) as Reply<"cut">).cut;
  return { memory, relaying, client, opening, endpoint, list, cut };
}

describe("the open connections of a worker", () => {
  it("are listed with stage, server, age and bytes, and by filter", async () => {
    const { memory, client, list } = await makeSite();
    await client.send("hello");
    await memory.clock.advance(2_000);
    const { total, connections } = await list();
    assert.equal(total, 2);
    assert.deepEqual(
      connections.map(({ stage, server, endpoint, bytesFromClient, ageMs }) => ({
        ...{ stage, server, endpoint, bytesFromClient, ageMs },
      })),
      [
        {
          ...{ stage: "relaying", server: "web-1", endpoint: "127.0.0.2:1" },
          ...{ bytesFromClient: 5, ageMs: 2_000 },
        },
        {
          ...{ stage: "opening", server: undefined, endpoint: undefined },
          ...{ bytesFromClient: 0, ageMs: 2_000 },
        },
      ],
    );
    const countOf = async (filter: ConnectionFilter): Promise<number> => (await list(filter)).total;
    assert.equal(await countOf({ vnic: "back.shop" }), 1);
    assert.equal(await countOf({ server: "web-1" }), 1);
    assert.equal(await countOf({ client: "192.0.2.1" }), 2);
    assert.equal(await countOf({ client: "192.0.2.0/24", vnic: "front.shop" }), 1);
    assert.equal(await countOf({ client: "192.0.3.0/24" }), 0);
    assert.equal(await countOf({ listener: "front.shop:2" }), 0);
    assert.equal(await countOf({ vnic: "*.shop" }), 2);
    assert.equal(await countOf({ vnic: "b*", listener: "*.shop:*" }), 1);
    // A connection that is not served yet is on no server.
    assert.equal(await countOf({ server: "*" }), 1);
  });

  it("that match are cut in any stage, and are recorded as such", async () => {
    const { memory, relaying, client, opening, endpoint, cut } = await makeSite();
    assert.equal(await cut({ server: "web-2" }), 0);
    assert.equal(await cut({ vnic: "back.shop" }), 1);
    assert.deepEqual([opening.isClosed, client.isClosed], [true, false]);
    assert.equal(await cut({ server: "web-1" }), 1);
    assert.deepEqual([client.isClosed, endpoint[0]?.isClosed], [true, true]);
    assert.deepEqual(memory.outcomes(), ["cut-by-operator", "cut-by-operator"]);
    const changes = relaying.counters.takeChanges() ?? [];
    assert.equal(changes[changes.indexOf(ENDED["cut-by-operator"]) + 1], 1);
    assert.equal(memory.plane.connections.size, 0);
  });

  it("are cut in slices between which others are served, and a sample of them is listed", async () => {
    const { memory, relaying, list, cut } = await makeSite();
    memory.plane.maxConnections = 10_000;
    const clients = Array.from({ length: 8_000 }, () => memory.connect(relaying));
    await Promise.all(clients);
    const { total, connections } = await list({ server: "web-1" }, 100);
    assert.deepEqual([total, connections.length], [8_001, 100]);
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (memory.plane.connections.size > 1) setImmediate(turn);
    };
    setImmediate(turn);
    assert.equal(await cut({ server: "web-1" }), 8_001);
    assert.ok(turns >= 3, `the event loop had ${turns} turns`);
    assert.equal(memory.plane.connections.size, 1);
  });
});
