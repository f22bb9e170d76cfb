import type { MaterialId } from "#model/names.ts";
import { shardOfName } from "#model/records/name-shards.ts";
import type { Material, NameShard, SnapshotName, SnapshotNames } from "#model/records/snapshot.ts";
import type { Steps } from "../live/in-slices.ts";

type Shard = ReadonlyMap<string, SnapshotName>;

/** A change of one entry replaces one shard, and the others are kept. */
const SHARDS = new WeakMap<NameShard, Shard>();

/** The entries by server name of a listener. It is immutable. */
export class NameTable {
  readonly #shards: readonly Shard[];

  private constructor(shards: readonly Shard[]) {
    this.#shards = shards;
  }

  static readonly EMPTY = new NameTable([]);

  /** Throws if a shard has not arrived. */
  static *build(
    names: Pick<SnapshotNames, "shards"> | undefined,
    materialOf: (id: MaterialId) => Material | undefined,
  ): Steps<NameTable> {
    if (names === undefined) return NameTable.EMPTY;
    const shards: Shard[] = [];
    for (const id of names.shards) {
      const material = materialOf(id);
      if (material?.kind !== "names") throw new TypeError("Server names have not arrived.");
      shards.push(shardOf(material));
      yield;
    }
    return new NameTable(shards);
  }

  /** Returns the entry of the name, or else that of the wildcard that covers it. `name` must be in normal form. */
  find(name: string): SnapshotName | undefined {
    if (this.#shards.length === 0) return undefined;
    const exact = this.#get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf(".");
    return dot <= 0 ? undefined : this.#get(`*${name.slice(dot)}`);
  }

  *entries(): Iterable<SnapshotName> {
    for (const shard of this.#shards) yield* shard.values();
  }

  #get(name: string): SnapshotName | undefined {
    return this.#shards[shardOfName(name, this.#shards.length)]?.get(name);
  }
}

function shardOf(material: NameShard): Shard {
  const known = SHARDS.get(material);
  if (known !== undefined) return known;
  const shard = new Map(material.entries.map((entry) => [entry.name, entry]));
  SHARDS.set(material, shard);
  return shard;
}
