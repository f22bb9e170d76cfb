import { copyBytes } from "./copy-bytes.ts";

/** What an entry counts beside the bytes of its name and value (RFC 7541 section 4.1). */
const ENTRY_OVERHEAD_BYTES = 32;
/** What a field line has beside them: `: ` and CRLF. */
const LINE_OVERHEAD_BYTES = 4;
const FIRST_CAPACITY_BYTES = 768;
/** The numbers of an entry: where its line starts, the length of its name, and where its line ends. */
const STRIDE = 4;
const NAME_LENGTH = 1;
const LINE_END = 2;

const NO_BYTES = Buffer.alloc(0);
const NO_ENTRIES = new Uint16Array();

/**
 * The dynamic table of a decoder (RFC 7541 section 2.3.2). The entries are finished field lines, one after the other from the
 * oldest to the newest. Nothing is allocated before the first entry, and nothing for an entry, but for the buffer that doubles
 * until it has one and a half times the maximum.
 */
export class DynamicTable {
  count = 0;
  /** The maximum that the encoder has chosen, in bytes of RFC 7541 section 4.1. */
  maxBytes: number;
  #usedBytes = 0;
  readonly #slotMask: number;
  #entries = NO_ENTRIES;
  /** The slot of the next entry. */
  #nextSlot = 0;
  #bytes = NO_BYTES;
  /** The offsets of the oldest line and after the newest one. */
  #start = 0;
  #end = 0;

  /** @param maxBytes - The maximum that the encoder may choose. At most 32,768. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    const mostEntries = Math.max(1, Math.floor(maxBytes / ENTRY_OVERHEAD_BYTES));
    this.#slotMask = 2 ** Math.ceil(Math.log2(mostEntries)) - 1;
  }

  /** Changes the maximum and evicts what is over it (RFC 7541 section 4.3). */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /**
   * Adds a line as the newest entry and evicts the oldest ones (RFC 7541 section 4.4). A line that is over the maximum empties the
   * table.
   */
  add(lines: Buffer, start: number, nameEnd: number, end: number): void {
    const lineBytes = end - start;
    const entryBytes = lineBytes - LINE_OVERHEAD_BYTES + ENTRY_OVERHEAD_BYTES;
    this.#evictTo(this.maxBytes - entryBytes);
    if (entryBytes > this.maxBytes) return;
    if (this.#entries.length === 0) this.#entries = new Uint16Array(STRIDE * (this.#slotMask + 1));
    if (this.#end + lineBytes > this.#bytes.length) this.#makeRoom(lineBytes);
    const entry = STRIDE * this.#nextSlot;
    this.#entries[entry] = this.#end;
    this.#entries[entry + NAME_LENGTH] = nameEnd - start;
    this.#end = copyBytes(lines, start, end, this.#bytes, this.#end);
    this.#entries[entry + LINE_END] = this.#end;
    this.#nextSlot = (this.#nextSlot + 1) & this.#slotMask;
    this.#usedBytes += entryBytes;
    this.count += 1;
  }

  /** The length of the name of an entry. The newest one has the position 0. */
  nameLength(position: number): number {
    return this.#entries[this.#entryAt(position) + NAME_LENGTH] ?? 0;
  }

  copyLine(position: number, target: Buffer, at: number): number {
    const entry = this.#entryAt(position);
    const entries = this.#entries;
    return copyBytes(this.#bytes, entries[entry] ?? 0, entries[entry + LINE_END] ?? 0, target, at);
  }

  copyName(position: number, target: Buffer, at: number): number {
    const entry = this.#entryAt(position);
    const start = this.#entries[entry] ?? 0;
    const nameLength = this.#entries[entry + NAME_LENGTH] ?? 0;
    return copyBytes(this.#bytes, start, start + nameLength, target, at);
  }

  #entryAt(position: number): number {
    return STRIDE * ((this.#nextSlot - 1 - position) & this.#slotMask);
  }

  #evictTo(maxBytes: number): void {
    while (this.count > 0 && this.#usedBytes > maxBytes) {
      const lineEnd = this.#entries[this.#entryAt(this.count - 1) + LINE_END] ?? 0;
      const lineBytes = lineEnd - this.#start;
      this.#usedBytes -= lineBytes - LINE_OVERHEAD_BYTES + ENTRY_OVERHEAD_BYTES;
      this.#start = lineEnd;
      this.count -= 1;
    }
    if (this.count > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Moves the lines to the start of the buffer, and to one of twice the length if they fill more than two thirds of it. So at least
   * half as many bytes are added as were moved before they are moved again.
   */
  #makeRoom(lineBytes: number): void {
    const kept = this.#end - this.#start;
    let capacity = Math.max(this.#bytes.length, FIRST_CAPACITY_BYTES);
    while (capacity * 2 < (kept + lineBytes) * 3) capacity *= 2;
    const target = capacity > this.#bytes.length ? Buffer.allocUnsafeSlow(capacity) : this.#bytes;
    this.#bytes.copy(target, 0, this.#start, this.#end);
    this.#bytes = target;
    for (let position = 0; position < this.count; position += 1) {
      const entry = this.#entryAt(position);
      this.#entries[entry] = (this.#entries[entry] ?? 0) - this.#start;
      this.#entries[entry + LINE_END] = (this.#entries[entry + LINE_END] ?? 0) - this.#start;
    }
    this.#start = 0;
    this.#end = kept;
  }
}
