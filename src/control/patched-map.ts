/** More patches than this are not worth it, because each further change copies them. */
const MAX_PATCHES = 256;

/**
 * A map that has most entries in common with the map it was made from. So replacing one of ten thousand entries copies a few entries
 * only, and the entries that differ between two such maps are found without looking at all.
 */
class PatchedMap<Key, Value> extends Map<Key, Value> {
  readonly base: ReadonlyMap<Key, Value>;
  /** The value is undefined for a key that was removed. */
  readonly patches: ReadonlyMap<Key, Value | undefined>;
  readonly #size: number;

  constructor(base: ReadonlyMap<Key, Value>, patches: ReadonlyMap<Key, Value | undefined>) {
    super();
    this.base = base;
    this.patches = patches;
    let size = base.size;
    for (const [key, value] of patches) {
      size += Number(value !== undefined) - Number(base.has(key));
    }
    this.#size = size;
  }

  override get size(): number {
    return this.#size;
  }

  override get(key: Key): Value | undefined {
    return this.patches.has(key) ? this.patches.get(key) : this.base.get(key);
  }

  override has(key: Key): boolean {
    return this.patches.has(key) ? this.patches.get(key) !== undefined : this.base.has(key);
  }

  override entries(): MapIterator<[Key, Value]> {
    return this.#entries() as MapIterator<[Key, Value]>;
  }

  override keys(): MapIterator<Key> {
    return this.#entries().map(([key]) => key);
  }

  override values(): MapIterator<Value> {
    return this.#entries().map(([, value]) => value);
  }

  override [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  override forEach(visit: (value: Value, key: Key, map: Map<Key, Value>) => void): void {
    for (const [key, value] of this.#entries()) visit(value, key, this);
  }

  override set(): never {
    throw new TypeError("A patched map does not change.");
  }

  override delete(): never {
    throw new TypeError("A patched map does not change.");
  }

  override clear(): never {
    throw new TypeError("A patched map does not change.");
  }

  *#entries(): Generator<[Key, Value]> {
    for (const entry of this.base) {
      const [key] = entry;
      if (!this.patches.has(key)) yield entry;
      else yield* this.#patchOf(key);
    }
    for (const key of this.patches.keys()) if (!this.base.has(key)) yield* this.#patchOf(key);
  }

  *#patchOf(key: Key): Generator<[Key, Value]> {
    const value = this.patches.get(key);
    if (value !== undefined) yield [key, value];
  }
}

/** Returns `map` with other values of some keys. A key with the new value undefined is removed. */
export function withPatches<Key, Value extends object | string | number>(
  map: ReadonlyMap<Key, Value>,
  patches: Iterable<readonly [Key, Value | undefined]>,
): ReadonlyMap<Key, Value> {
  const { base, patches: before } = partsOf(map);
  const all = new Map(before);
  let isChanged = false;
  for (const [key, value] of patches) {
    all.set(key, value);
    isChanged = true;
  }
  if (!isChanged) return map;
  const patched = new PatchedMap(base, all);
  return all.size > MAX_PATCHES ? new Map(patched.entries()) : patched;
}

/** Returns the keys with different values, or undefined if the maps do not come from the same map. */
export function keysThatDiffer<Key, Value>(
  one: ReadonlyMap<Key, Value>,
  other: ReadonlyMap<Key, Value>,
): readonly Key[] | undefined {
  const [a, b] = [partsOf(one), partsOf(other)];
  if (a.base !== b.base) return undefined;
  const keys = new Set([...a.patches.keys(), ...b.patches.keys()]);
  return [...keys].filter((key) => one.get(key) !== other.get(key));
}

function partsOf<Key, Value>(
  map: ReadonlyMap<Key, Value>,
): Pick<PatchedMap<Key, Value>, "base" | "patches"> {
  return map instanceof PatchedMap
    ? (map as PatchedMap<Key, Value>)
    : { base: map, patches: new Map() };
}
