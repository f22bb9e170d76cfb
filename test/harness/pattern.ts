import { createHash } from "node:crypto";
import type { Digest } from "./byte-reader.ts";

const period = 1 << 20;

// An LCG rather than random bytes: a wrong byte is found by its offset, and two processes agree on all of them.
const cycle = Buffer.alloc(period);
for (let at = 0, state = 1; at < period; at += 1) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  cycle[at] = state >>> 24;
}

/** A view of the endless pattern, at most up to its next repetition. */
export function patternSlice(offset: number, length: number): Buffer {
  const start = offset % period;
  return cycle.subarray(start, Math.min(start + length, period));
}

/** The first `length` bytes of the pattern. */
export function patternBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += period) patternSlice(at, length - at).copy(bytes, at);
  return bytes;
}

export function patternDigest(length: number): Digest {
  const hash = createHash("sha256");
  for (let at = 0; at < length; at += period) hash.update(patternSlice(at, length - at));
  return { bytes: length, sha256: hash.digest("hex") };
}
