import { ChunkedDecoder } from "#dataplane/http/body/chunked-decoder.ts";
import { linesOf, plainLinesOf } from "./parsed-heads.ts";

/** What came out of a chunked body. */
export interface Decoded {
  /** "more", "end" or the rule of the refusal. */
  readonly outcome: string;
  readonly data: string;
  /** The bytes of the body, with its framing. 0 unless the outcome is "end". */
  readonly bodyBytes: number;
  readonly trailers: readonly string[];
  /** The same, with a `-` before those that must not be there. */
  readonly markedTrailers: readonly string[];
}

/**
 * Decodes a body that arrives in these pieces. Each piece is in a buffer of its own, between other bytes, and is overwritten
 * before the next one comes.
 */
export function decodeChunks(pieces: Iterable<Buffer>, decoder = new ChunkedDecoder()): Decoded {
  let data = "";
  let read = 0;
  decoder.reset();
  for (const piece of pieces) {
    const bytes = Buffer.concat([Buffer.from("x\r"), piece, Buffer.from("\n0")]);
    const to = 2 + piece.length;
    let at = 2;
    do {
      at = decoder.step(bytes, at, to);
      if (decoder.found === "data") {
        data += bytes.toString("latin1", decoder.dataStart, decoder.dataEnd);
      }
    } while (decoder.found === "data");
    read += at - 2;
    bytes.fill(0);
    if (decoder.found !== "more") break;
  }
  const { found } = decoder;
  const isWhole = found === "end";
  return {
    outcome: typeof found === "string" ? found : found.rule,
    data,
    bodyBytes: isWhole ? read : 0,
    trailers: isWhole ? plainLinesOf(decoder.trailers) : [],
    markedTrailers: isWhole ? linesOf(decoder.trailers) : [],
  };
}
