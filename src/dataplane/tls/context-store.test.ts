import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "#model/document/policy.ts";
import type { Material, SnapshotClientTls } from "#model/records/snapshot.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { ContextSpec, Wire } from "../wire/wire.ts";
import { ContextStore, ticketKeysOf } from "./context-store.ts";

const id = "a1" as MaterialId;
const pair: Material = { kind: "certificate", chainPem: "chain", keyPem: "key" };
const material = { [id]: pair } as Record<MaterialId, Material>;

const listener = (sessionScope: string): SnapshotClientTls => ({
  certificates: ["shop" as CertificateName],
  strictServerName: false,
  policy: PRESETS.modern,
  clientAuth: { mode: "none", trust: undefined, partialChain: false },
  sessionScope,
});

function storeThatCounts(memoryBytes = 1): {
  store: ContextStore;
  built: ContextSpec[];
  keys: Buffer[];
} {
  const built: ContextSpec[] = [];
  const keys: Buffer[] = [];
  const wire: Pick<Wire, "buildContext"> = {
    buildContext(spec) {
      built.push(spec);
      return { memoryBytes, setTicketKeys: (key) => keys.push(key) };
    },
  };
  return { store: new ContextStore(wire), built, keys };
}

describe("context store", () => {
  it("builds one context for a listener and certificate, and always returns the same one", () => {
    const { store, built } = storeThatCounts();
    store.addMaterial(material);
    const first = store.forClients(listener("scope"), id);
    for (let connection = 0; connection < 100; connection += 1) {
      assert.equal(store.forClients(listener("scope"), id), first);
    }
    assert.equal(built.length, 1);
  });

  it("never shares a context, a session id context or ticket keys between session scopes", () => {
    const { store, built } = storeThatCounts();
    store.addMaterial(material);
    store.setTicketBaseKey(Buffer.alloc(32, 1));
    assert.notEqual(store.forClients(listener("one"), id), store.forClients(listener("two"), id));
    const [one, two] = built;
    assert.notEqual(one?.sessionIdContext, two?.sessionIdContext);
    assert.ok(one?.ticketKeys !== undefined && two?.ticketKeys !== undefined);
    assert.notDeepEqual(one.ticketKeys, two.ticketKeys);
  });

  it("sets new ticket keys in every context", () => {
    const { store, keys } = storeThatCounts();
    store.addMaterial(material);
    store.forClients(listener("one"), id);
    const next = Buffer.alloc(32, 2);
    store.setTicketBaseKey(next);
    assert.deepEqual(keys, [ticketKeysOf(next, "one")]);
  });

  it("drops contexts and keys that no listener refers to", () => {
    const { store, built } = storeThatCounts();
    store.addMaterial(material);
    store.forClients(listener("scope"), id);
    store.keepOnly(new Set(), new Set());
    assert.throws(() => store.forClients(listener("scope"), id), /has not arrived/);
    store.addMaterial(material);
    store.forClients(listener("scope"), id);
    assert.equal(built.length, 2);
  });

  it("keeps contexts of at most 64 MiB, and builds those that it has dropped again", () => {
    const { store, built } = storeThatCounts(1_048_576);
    store.addMaterial(material);
    const use = (at: number): unknown => store.forClients(listener(`scope ${at}`), id);
    for (let at = 0; at < 100; at += 1) use(at);
    assert.equal(store.contextBytes, 64 * 1_048_576);
    use(99);
    assert.equal(built.length, 100);
    use(0);
    assert.deepEqual([built.length, store.contextBytes], [101, 64 * 1_048_576]);
    store.keepOnly(new Set(["scope 0"]), new Set([id]));
    assert.equal(store.contextBytes, 1_048_576);
  });
});
