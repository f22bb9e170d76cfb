import type { HandshakeRecord } from "#model/records/handshake-record.ts";

const MIB = 1_048_576;
const MAX_RECORDS = 20_000;
const MAX_BYTES = 32 * MIB;
/** Groups are causes on listeners. At this number, the group whose last record is the oldest is dropped. */
const MAX_GROUPS = 2_000;
/**
 * No record is larger, so that 5 records of each of 2,000 groups fit into `MAX_BYTES`. A group that gives way is
 * therefore never smaller than that.
 */
const MAX_DETAIL_CHARACTERS = 400;
const MAX_LIST_CHARACTERS = 256;
/** V8 uses at most about this much for the record and for each string, without the characters. */
const RECORD_BYTES = 560;
const STRING_BYTES = 32;

interface Group {
  readonly key: string;
  /** The oldest first. Those before `first` have been dropped and are undefined. */
  records: (HandshakeRecord | undefined)[];
  first: number;
}

const sizeOf = ({ records, first }: Group): number => records.length - first;

/**
 * The failed handshakes that the control process keeps, in groups by cause and listener. When there are too many or they are
 * too large, the oldest record of the largest group gives way, so that a flood of one kind never displaces the last records
 * of another.
 */
export class KeptHandshakes {
  /** The group with the oldest last record is first. */
  readonly #groups = new Map<string, Group>();
  readonly #bySize = new Map<number, Set<Group>>();
  #largest = 0;
  #count = 0;
  #bytes = 0;

  /** Estimated memory of all records. */
  get bytes(): number {
    return this.#bytes;
  }

  add(given: HandshakeRecord): void {
    const key = `${given.failure} ${given.listener}`;
    const group = this.#groups.get(key) ?? { key, records: [], first: 0 };
    const record = shortened(given, group.records.at(-1));
    this.#move(group, () => group.records.push(record));
    this.#groups.delete(key);
    this.#groups.set(key, group);
    this.#count += 1;
    this.#bytes += bytesOf(record);
    if (this.#groups.size > MAX_GROUPS) this.#dropStalest();
    while (this.#count > MAX_RECORDS || this.#bytes > MAX_BYTES) this.#dropOneOfLargest();
  }

  *all(): Iterable<HandshakeRecord> {
    for (const { records, first } of this.#groups.values()) {
      for (let at = first; at < records.length; at += 1) {
        const record = records[at];
        if (record !== undefined) yield record;
      }
    }
  }

  /** Changes the group and updates which groups have which size. */
  #move(group: Group, change: () => void): void {
    this.#bySize.get(sizeOf(group))?.delete(group);
    change();
    const size = sizeOf(group);
    if (size > 0) {
      const equals = this.#bySize.get(size);
      if (equals === undefined) this.#bySize.set(size, new Set([group]));
      else equals.add(group);
    }
    this.#largest = Math.max(this.#largest, size);
    while (this.#largest > 0 && (this.#bySize.get(this.#largest)?.size ?? 0) === 0) {
      this.#bySize.delete(this.#largest);
      this.#largest -= 1;
    }
  }

  #dropOneOfLargest(): void {
    const [group] = this.#bySize.get(this.#largest) ?? [];
    if (group !== undefined) this.#move(group, () => this.#dropOldest(group));
  }

  #dropStalest(): void {
    const [group] = this.#groups.values();
    if (group === undefined) return;
    this.#groups.delete(group.key);
    this.#move(group, () => {
      while (sizeOf(group) > 0) this.#dropOldest(group);
    });
  }

  #dropOldest(group: Group): void {
    const record = group.records[group.first];
    if (record === undefined) return;
    this.#count -= 1;
    this.#bytes -= bytesOf(record);
    group.records[group.first] = undefined;
    group.first += 1;
    // The array is cut only now and then, because that copies the rest.
    if (group.first < group.records.length / 2) return;
    group.records = group.records.slice(group.first);
    group.first = 0;
  }
}

/** Returns the record with its texts shortened. The text of its listener is that of `other`, which has the same listener. */
function shortened(record: HandshakeRecord, other: HandshakeRecord | undefined): HandshakeRecord {
  const { detail, alpn, offeredVersions } = record;
  return {
    ...record,
    ...(other === undefined ? {} : { listener: other.listener, failure: other.failure }),
    ...(detail === undefined || detail.length <= MAX_DETAIL_CHARACTERS
      ? {}
      : { detail: copyOf(detail.slice(0, MAX_DETAIL_CHARACTERS)) }),
    ...(alpn === undefined ? {} : { alpn: firstOf(alpn) }),
    ...(offeredVersions === undefined ? {} : { offeredVersions: firstOf(offeredVersions) }),
  };
}

/** In V8, a part of a string keeps the whole string in memory. */
const copyOf = (part: string): string => Buffer.from(part, "utf16le").toString("utf16le");

function firstOf(texts: readonly string[]): readonly string[] {
  let characters = 0;
  return texts.filter((text) => {
    characters += text.length + STRING_BYTES / 2;
    return characters <= MAX_LIST_CHARACTERS;
  });
}

/** Returns an upper bound of the memory of a record: two bytes for each character, although Latin-1 needs only one. */
function bytesOf(record: HandshakeRecord): number {
  const { detail = "", alert = "", serverName = "", clientAddress, proxyAddress = "" } = record;
  const lists = [...(record.alpn ?? []), ...(record.offeredVersions ?? [])];
  const characters =
    detail.length +
    alert.length +
    serverName.length +
    clientAddress.length +
    proxyAddress.length +
    lists.reduce((sum, text) => sum + text.length, 0);
  return RECORD_BYTES + (5 + lists.length) * STRING_BYTES + 2 * characters;
}
