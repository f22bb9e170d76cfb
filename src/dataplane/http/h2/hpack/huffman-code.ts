/** The length in bits of the code of each byte (RFC 7541 appendix B), 16 bytes a row. */
const LENGTHS_OF_BYTES: readonly (readonly number[])[] = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
];

/** The end of a string. Padding is the first bits of its code, and a string that contains the whole code is an error (RFC 7541 section 5.2). */
export const EOS = 256;
const EOS_BITS = 30;

/** The code of a symbol: the last `bits` bits of `code`. */
interface HuffmanCode {
  readonly symbol: number;
  readonly bits: number;
  readonly code: number;
}

/**
 * The codes of all bytes and of `EOS`, by length and then by symbol. The code is canonical, so the lengths define it: each code is
 * the one before plus 1, with zeros at its end if it is longer.
 */
export const HUFFMAN_CODES: readonly HuffmanCode[] = canonicalCodes();

function canonicalCodes(): readonly HuffmanCode[] {
  const lengths = [...LENGTHS_OF_BYTES.flat(), EOS_BITS];
  const symbols = lengths.map((bits, symbol) => ({ symbol, bits }));
  symbols.sort((one, other) => one.bits - other.bits || one.symbol - other.symbol);
  let next = 0;
  let bitsBefore = 0;
  return symbols.map(({ symbol, bits }) => {
    const code = next << (bits - bitsBefore);
    next = code + 1;
    bitsBefore = bits;
    return { symbol, bits, code };
  });
}
