import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VnicName } from "#model/names.ts";
import type { SnapshotEndpoint, SnapshotListener } from "#model/records/snapshot.ts";
import type { PlannedCut, ToControl } from "#protocol/messages.ts";
import { egressListener, MemoryPlane } from "#harness/memory-plane.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import { PlannedCuts } from "./planned-cuts.ts";

const endpoints: readonly SnapshotEndpoint[] = [
  { kind: "tcp", server: "web-1", address: "127.0.0.2", port: 1, weight: 1 },
  { kind: "tcp", server: "web-2", address: "127.0.0.2", port: 2, weight: 1 },
];
const remote: SnapshotEndpoint = { kind: "remote", server: "web-1", host: "127.0.0.2", port: 1 };

const listenerOf = (vnic: string, ...used: readonly SnapshotEndpoint[]): SnapshotListener => ({
  ...egressListener,
  vnic: vnic as VnicName,
  endpoints: used,
});

/** A plane whose profiles shop and blog have a connection to each of two servers, and the cuts of its worker. */
async function makeSite() {
  const memory = new MemoryPlane();
  for (const port of [1, 2]) await memory.startEndpoint("127.0.0.2", port);
  const [shop, blog] = [
    memory.listenerOf(listenerOf("front.shop", ...endpoints)),
    memory.listenerOf(listenerOf("side.blog", ...endpoints)),
  ];
  const clients = {
    "shop web-1": await memory.connect(shop),
    "shop web-2": await memory.connect(shop),
    "blog web-1": await memory.connect(blog),
    "blog web-2": await memory.connect(blog),
    "shop egress": await memory.connect(memory.listenerOf(listenerOf("out.shop", remote))),
  };
  const sent: ToControl[] = [];
  const cuts = new PlannedCuts({ plane: memory.plane, send: (message) => void sent.push(message) });
  const replace = async (...wanted: readonly PlannedCut[]): Promise<void> => {
    cuts.replace(wanted);
    await untilQuiet();
  };
  const closed = (): readonly string[] =>
    Object.entries(clients).flatMap(([name, { isClosed }]) => (isClosed ? [name] : []));
  return { memory, shop, sent, replace, closed };
}

describe("the planned cuts of a worker", () => {
  it("cut the connections of a profile to servers that are not excepted, at the deadline", async () => {
    const { memory, sent, replace, closed } = await makeSite();
    await replace({ number: 7, inMs: 1_000, profile: "shop", except: ["web-2"] });
    await memory.clock.advance(900);
    assert.deepEqual(closed(), []);
    await memory.clock.advance(200);
    assert.deepEqual(closed(), ["shop web-1"]);
    assert.deepEqual(sent, [{ type: "cut-at-deadline", number: 7, cut: 1 }]);
    assert.deepEqual(memory.outcomes(), ["server-drained"]);
  });

  it("cut the connections to a server at once, but for those of excepted profiles and egress", async () => {
    const { sent, replace, closed } = await makeSite();
    await replace({ number: 1, inMs: 0, server: "web-1", except: ["blog"] });
    assert.deepEqual(closed(), ["shop web-1"]);
    await replace({ number: 2, inMs: 0, server: "web-1", except: [] });
    assert.deepEqual(closed(), ["shop web-1", "blog web-1"]);
    assert.equal(sent.length, 2);
  });

  it("are taken back by a list that does not have them, or that excepts more", async () => {
    const { memory, replace, closed } = await makeSite();
    const cut: PlannedCut = { number: 1, inMs: 1_000, profile: "shop", except: [] };
    const other: PlannedCut = { number: 2, inMs: 1_000, server: "web-2", except: ["shop"] };
    await replace(cut, other);
    await replace({ ...cut, inMs: 500, except: ["web-1", "web-2"] });
    await memory.clock.advance(2_000);
    assert.deepEqual(closed(), []);
  });

  it("keep their deadline when they are sent again, and are carried out once", async () => {
    const { memory, shop, sent, replace, closed } = await makeSite();
    const cut: PlannedCut = { number: 1, inMs: 1_000, profile: "shop", except: ["web-2"] };
    await replace(cut);
    await memory.clock.advance(600);
    await replace(cut);
    await memory.clock.advance(500);
    assert.deepEqual(closed(), ["shop web-1"]);
    const later = await memory.connect(shop);
    await replace({ ...cut, inMs: 0 });
    assert.deepEqual([later.isClosed, sent.length], [false, 1]);
  });

  it("do not cut connections that were opened after they were planned", async () => {
    const { memory, shop, replace, closed } = await makeSite();
    await replace({ number: 1, inMs: 1_000, profile: "shop", except: [] });
    await memory.clock.advance(100);
    const later = await memory.connect(shop);
    await memory.clock.advance(1_000);
    assert.deepEqual(closed(), ["shop web-1", "shop web-2"]);
    assert.equal(later.isClosed, false);
  });

  it("are carried out at the deadline of each", async () => {
    const { memory, replace, closed } = await makeSite();
    await replace(
      { number: 1, inMs: 2_000, profile: "shop", except: [] },
      { number: 2, inMs: 1_000, server: "web-2", except: [] },
    );
    await memory.clock.advance(1_100);
    assert.deepEqual(closed(), ["shop web-2", "blog web-2"]);
    await memory.clock.advance(1_000);
    assert.deepEqual(closed(), ["shop web-1", "shop web-2", "blog web-2"]);
  });
});
