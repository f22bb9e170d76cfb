/**
 * Results of functions about one part of a document that also look up other things by name, such as the servers that a profile
 * names. A result is kept together with everything that was looked up, and is used again while each of these look-ups would still find
 * the same. So a rule can look up what it likes, and its kept result is never out of date.
 */

type Lookup = Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;

/** One look into a map. `key` is `WHOLE` if the function read more of the map than single entries, and `found` then is the map. */
interface Look {
  readonly map: string;
  readonly key: unknown;
  readonly found: unknown;
}

const WHOLE = Symbol("whole map");

/** What functions can look up, by the names of the maps. Within `record`, `seen` notes every look into one of its maps. */
export class Surroundings<Maps extends Readonly<Record<string, Lookup>>> {
  /** The same maps. Functions must read them only through this. */
  readonly seen: Maps;
  readonly #maps: Maps;
  /** What has been looked up since `record` was called, by the map and the key. Undefined outside of it. */
  #looks: Map<string, Map<unknown, Look>> | undefined;

  constructor(maps: Maps) {
    this.#maps = maps;
    this.seen = Object.fromEntries(
      Object.entries(maps).map(([name, map]) => [name, this.#watched(name, map)]),
    ) as Maps;
  }

  /**
   * Returns the result of a function, and what it has looked up. The function must not call `record`, because the result of the
   * inner function can also come from looks that are not made again.
   */
  record<Result>(compute: () => Result): {
    readonly result: Result;
    readonly looks: readonly Look[];
  } {
    if (this.#looks !== undefined) throw new TypeError("A recorded function records another.");
    const noted = new Map<string, Map<unknown, Look>>();
    this.#looks = noted;
    try {
      const result = compute();
      return { result, looks: [...noted.values()].flatMap((ofMap) => [...ofMap.values()]) };
    } finally {
      this.#looks = undefined;
    }
  }

  /** Returns whether all of these look-ups would find the same here. */
  isAsSeen(looks: readonly Look[]): boolean {
    return looks.every(({ map, key, found }) => {
      const now = this.#maps[map];
      return now !== undefined && (key === WHOLE ? now : entryOf(now, key)) === found;
    });
  }

  #note(map: string, key: unknown, found: unknown): void {
    if (this.#looks === undefined) return;
    const looks = this.#looks.get(map) ?? new Map<unknown, Look>();
    looks.set(key, { map, key, found });
    this.#looks.set(map, looks);
  }

  #watched(name: string, map: Lookup): Lookup {
    const noteEntry = (key: unknown): void => this.#note(name, key, entryOf(map, key));
    const noteWhole = (): void => this.#note(name, WHOLE, map);
    if (map instanceof Map) return new WatchedMap(map, noteEntry, noteWhole);
    return new Proxy(map, {
      get: (target, key): unknown => {
        noteEntry(key);
        return Reflect.get(target, key);
      },
      has: (target, key) => {
        noteEntry(key);
        return Reflect.has(target, key);
      },
      getOwnPropertyDescriptor: (target, key) => {
        noteEntry(key);
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
      ownKeys: (target) => {
        noteWhole();
        return Reflect.ownKeys(target);
      },
    });
  }
}

function entryOf(map: Lookup, key: unknown): unknown {
  if (map instanceof Map) return map.get(key);
  return Object.hasOwn(map, key as string)
    ? (map as Readonly<Record<string, unknown>>)[key as string]
    : undefined;
}

class WatchedMap extends Map<unknown, unknown> {
  readonly #map: ReadonlyMap<unknown, unknown>;
  readonly #noteEntry: (key: unknown) => void;
  readonly #noteWhole: () => void;

  constructor(
    map: ReadonlyMap<unknown, unknown>,
    noteEntry: (key: unknown) => void,
    noteWhole: () => void,
  ) {
    super();
    this.#map = map;
    this.#noteEntry = noteEntry;
    this.#noteWhole = noteWhole;
  }

  override get(key: unknown): unknown {
    this.#noteEntry(key);
    return this.#map.get(key);
  }

  override has(key: unknown): boolean {
    this.#noteEntry(key);
    return this.#map.has(key);
  }

  override get size(): number {
    this.#noteWhole();
    return this.#map.size;
  }

  override entries(): MapIterator<[unknown, unknown]> {
    this.#noteWhole();
    return this.#map.entries();
  }

  override keys(): MapIterator<unknown> {
    this.#noteWhole();
    return this.#map.keys();
  }

  override values(): MapIterator<unknown> {
    this.#noteWhole();
    return this.#map.values();
  }

  override [Symbol.iterator](): MapIterator<[unknown, unknown]> {
    return this.entries();
  }

  override forEach(
    visit: (value: unknown, key: unknown, map: Map<unknown, unknown>) => void,
  ): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

interface Kept<Result> {
  readonly name: string;
  readonly result: Result;
  readonly looks: readonly Look[];
}

/** Keeps the result of one function for each part of the document. */
export class Traced<Part extends object, Result> {
  readonly #known = new WeakMap<Part, Kept<Result>>();

  /**
   * Returns what `compute` returns, which may depend on the part, on its name and on what it reads of `surroundings.seen`. Parts
   * never change.
   */
  of(
    part: Part,
    name: string,
    surroundings: Surroundings<Readonly<Record<string, Lookup>>>,
    compute: () => Result,
  ): Result {
    const known = this.#known.get(part);
    if (known?.name === name && surroundings.isAsSeen(known.looks)) return known.result;
    const kept = surroundings.record(compute);
    this.#known.set(part, { name, ...kept });
    return kept.result;
  }
}
