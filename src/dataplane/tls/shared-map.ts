import { textHashOf } from "#model/text-hash.ts";

/** The average number of entries of a shard at which the map gets more shards. */
const MAX_ENTRIES_PER_SHARD = 64;
const GROWTH = 8;

type Shard<Value> = ReadonlyMap<string, Value>;

/**
 * An immutable map. A changed copy shares all shards that the change does not touch, so that one entry of 30,000 is replaced in
 * microseconds, and the map before the change stays as it is.
 */
export class SharedMap<Value> {
  readonly #shards: readonly Shard<Value>[];
  readonly size: number;

  constructor(shards: readonly Shard<Value>[] = [new Map()], size = 0) {
    this.#shards = shards;
    this.size = size;
  }

  get(key: string): Value | undefined {
    const shards = this.#shards;
    // The number of shards is a power of two.
    return shards[textHashOf(key) & (shards.length - 1)]?.get(key);
  }

  *values(): Iterable<Value> {
    for (const shard of this.#shards) yield* shard.values();
  }

  /** Returns a copy to change. */
  edit(): SharedMapEdit<Value> {
    return new SharedMapEdit(this.#shards, this.size);
  }
}

/** A changed copy of a `SharedMap` in the making. */
export class SharedMapEdit<Value> {
  #shards: Shard<Value>[];
  /** The shards that only this copy has. Undefined where a shard is shared. */
  #own: (Map<string, Value> | undefined)[] = [];
  #size: number;
  #copied = 0;

  constructor(shards: readonly Shard<Value>[], size: number) {
    this.#shards = [...shards];
    this.#size = size;
  }

  get(key: string): Value | undefined {
    return this.#shards[this.#placeOf(key)]?.get(key);
  }

  set(key: string, value: Value): void {
    const shard = this.#ownShardOf(key);
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
    if (this.#size > this.#shards.length * MAX_ENTRIES_PER_SHARD) this.#grow();
  }

  delete(key: string): void {
    if (this.#ownShardOf(key).delete(key)) this.#size -= 1;
  }

  /** How many entries were copied so far. */
  get copied(): number {
    return this.#copied;
  }

  /** Returns the map. The edit must not be used any more. */
  done(): SharedMap<Value> {
    return new SharedMap(this.#shards, this.#size);
  }

  #placeOf(key: string): number {
    return textHashOf(key) & (this.#shards.length - 1);
  }

  #ownShardOf(key: string): Map<string, Value> {
    const place = this.#placeOf(key);
    let own = this.#own[place];
    if (own === undefined) {
      own = new Map(this.#shards[place]);
      this.#copied += own.size;
      this.#own[place] = own;
      this.#shards[place] = own;
    }
    return own;
  }

  #grow(): void {
    const all = this.#shards;
    const own = Array.from({ length: all.length * GROWTH }, () => new Map<string, Value>());
    this.#own = own;
    this.#shards = [...own];
    for (const shard of all) {
      for (const [key, value] of shard) own[this.#placeOf(key)]?.set(key, value);
    }
  }
}
