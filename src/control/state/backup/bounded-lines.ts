import { StringDecoder } from "node:string_decoder";
import { unusable } from "./backup-line.ts";

/** A value of 1 MiB in which each byte is escaped has 6 MiB. */
const MAX_LINE_LENGTH = 8 * 1024 * 1024;

/** Splits a file into lines without their line feeds. Rejects with `backup-unusable` if a line is too long or has no end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new StringDecoder("utf8");
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const [first = "", ...rest] = decoder.write(Buffer.from(chunk)).split("\n");
    parts.push(first);
    length += first.length;
    for (const next of rest) {
      yield parts.join("");
      parts = [next];
      ({ length } = next);
    }
    if (length > MAX_LINE_LENGTH) throw unusable("A line is too long.");
  }
  if (length > 0) throw unusable("The last line has no end.");
}
