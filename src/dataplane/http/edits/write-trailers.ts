import type { HeadFields } from "../head/head-fields.ts";
import type { Output } from "../output.ts";

const LAST_CHUNK = Buffer.from("0\r\n");

/** Appends the end of a chunked body, with the trailers that may be passed on (RFC 9110 section 6.5.1). */
export function writeLastChunk(output: Output, trailers: HeadFields | undefined): void {
  output.all(LAST_CHUNK);
  if (trailers !== undefined) {
    for (let index = 0; index < trailers.count; index += 1) {
      if (trailers.isHop[index] === 1) continue;
      output.copy(trailers.bytes, trailers.nameStart[index] ?? 0, trailers.lineEnd[index] ?? 0);
    }
  }
  output.lineEnd();
}
