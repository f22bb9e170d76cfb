import { EOS, HUFFMAN_CODES } from "./huffman-code.ts";

/** The inner nodes of the code's tree, which are the states between two bits. There is one less than symbols. */
const STATES = 256;
const ROOT = 0;
/** Padding has at most 7 bits (RFC 7541 section 5.2). */
const MAX_PADDING_BITS = 7;

/** What a step does: the next state, how many bytes it decodes (0 to 2), and these bytes. A step over `EOS` is `INVALID`. */
const COUNT_SHIFT = 8;
const FIRST_SHIFT = 10;
const SECOND_SHIFT = 18;
const INVALID = -1;

/** The two children of each inner node: another inner node, or `STATES` plus a symbol. */
const CHILDREN = new Uint16Array(2 * STATES);

/** 1 for the states in which a string may end: all bits since the last symbol, at most 7, are ones. */
const IS_END = new Uint8Array(STATES);

/** The step for each state and byte. */
const STEPS = new Int32Array(256 * STATES);

growTree();
markEnds();
for (let state = 0; state < STATES; state += 1) {
  for (let byte = 0; byte < 256; byte += 1) STEPS[state * 256 + byte] = stepOf(state, byte);
}

function growTree(): void {
  let states = 1;
  for (const { symbol, bits, code } of HUFFMAN_CODES) {
    let state = ROOT;
    for (let shift = bits - 1; shift > 0; shift -= 1) {
      const edge = 2 * state + ((code >> shift) & 1);
      if (CHILDREN[edge] === ROOT) {
        CHILDREN[edge] = states;
        states += 1;
      }
      state = CHILDREN[edge] ?? ROOT;
    }
    CHILDREN[2 * state + (code & 1)] = STATES + symbol;
  }
}

function markEnds(): void {
  let state = ROOT;
  for (let bits = 0; bits <= MAX_PADDING_BITS; bits += 1) {
    IS_END[state] = 1;
    state = CHILDREN[2 * state + 1] ?? ROOT;
  }
}

function stepOf(from: number, byte: number): number {
  let state = from;
  let count = 0;
  let symbols = 0;
  for (let shift = 7; shift >= 0; shift -= 1) {
    const child = CHILDREN[2 * state + ((byte >> shift) & 1)] ?? ROOT;
    if (child < STATES) {
      state = child;
      continue;
    }
    const symbol = child - STATES;
    if (symbol === EOS) return INVALID;
    symbols |= symbol << (count === 0 ? FIRST_SHIFT : SECOND_SHIFT);
    count += 1;
    state = ROOT;
  }
  return state | (count << COUNT_SHIFT) | symbols;
}

/**
 * Decodes the string from `from` to `to` (RFC 7541 section 5.2) into `target` from `at`, and returns the offset after what it
 * wrote. Returns -1 if the string contains EOS, or if its padding is longer than 7 bits or not all ones. A string of n bytes has
 * at most 8n/5 decoded ones. One byte after them may be overwritten too.
 */
export function decodeHuffman(
  source: Buffer,
  from: number,
  to: number,
  target: Buffer,
  at: number,
): number {
  let state = ROOT;
  let end = at;
  for (let index = from; index < to; index += 1) {
    const step = STEPS[(state << 8) | (source[index] ?? 0)] ?? INVALID;
    if (step < 0) return -1;
    target[end] = step >> FIRST_SHIFT;
    target[end + 1] = step >> SECOND_SHIFT;
    end += (step >> COUNT_SHIFT) & 3;
    state = step & 0xff;
  }
  return IS_END[state] === 1 ? end : -1;
}
