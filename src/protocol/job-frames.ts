/**
 * The frames in the pipes of a process that does jobs for the control process: a head in JSON, and byte strings after it.
 * Lengths are checked before anything is kept.
 *
 *     u32 length of the head | head | the parts, whose lengths are in the head
 */

/** The names of ten thousand domains and the problems of a chain together take far less. */
const MAX_HEAD_BYTES = 4 * 1024 * 1024;
/** Enough for a few files of at most 16 MiB each, or for the PEM text that was read from them. */
const MAX_PARTS_BYTES = 64 * 1024 * 1024;
/** Enough for the files of one import. */
const MAX_PARTS = 32;
const PREFIX_BYTES = 4;

export interface Frame {
  readonly head: unknown;
  readonly parts: readonly Buffer[];
}

/** Returns the chunks of a frame, which must be written in this order. Throws RangeError if the frame is too large. */
export function encodeFrame(head: unknown, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const lengths = parts.map(({ length }) => length);
  const json = Buffer.from(JSON.stringify({ head, lengths }));
  if (json.length > MAX_HEAD_BYTES || !areLengths(lengths)) {
    throw new RangeError("The frame is too large.");
  }
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(json.length);
  return [Buffer.concat([prefix, json]), ...parts];
}

function areLengths(values: unknown): values is readonly number[] {
  if (!Array.isArray(values) || values.length > MAX_PARTS) return false;
  const total = values.reduce<number>(
    (sum, value) => (Number.isSafeInteger(value) && value >= 0 ? sum + Number(value) : Infinity),
    0,
  );
  return total <= MAX_PARTS_BYTES;
}

/** Assembles frames from chunks. `push` throws RangeError or SyntaxError as soon as the bytes cannot be a frame. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #available = 0;
  #headLength: number | undefined;
  #pending: { readonly head: unknown; readonly lengths: readonly number[] } | undefined;

  push(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | undefined {
    if (this.#headLength === undefined) {
      if (this.#available < PREFIX_BYTES) return undefined;
      const length = this.#take(PREFIX_BYTES).readUInt32BE();
      if (length > MAX_HEAD_BYTES) throw new RangeError("The head of a frame is too long.");
      this.#headLength = length;
    }
    if (this.#pending === undefined) {
      if (this.#available < this.#headLength) return undefined;
      this.#pending = parseHead(this.#take(this.#headLength).toString("utf8"));
    }
    const { head, lengths } = this.#pending;
    if (this.#available < lengths.reduce((sum, length) => sum + length, 0)) return undefined;
    this.#headLength = undefined;
    this.#pending = undefined;
    return { head, parts: lengths.map((length) => this.#take(length)) };
  }

  /** Removes and returns the next bytes, which must be available. Copies them only if they are in several chunks. */
  #take(length: number): Buffer {
    this.#available -= length;
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length === length ? [] : [all.subarray(length)];
    return all.subarray(0, length);
  }
}

function parseHead(text: string): { readonly head: unknown; readonly lengths: readonly number[] } {
  const value = JSON.parse(text) as { readonly head?: unknown; readonly lengths?: unknown } | null;
  const lengths = value?.lengths;
  if (!areLengths(lengths)) throw new RangeError("The parts of a frame are too long.");
  return { head: value?.head, lengths };
}
