import assert from "node:assert/strict";
import { test } from "node:test";
import { TextSearch } from "./text-search.ts";

/** Returns whether the text is found in `stream` when it arrives in chunks of so many bytes. */
function finds(text: string, stream: string, chunkBytes: number): boolean {
  const search = new TextSearch(Buffer.from(text));
  const bytes = Buffer.from(stream);
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    if (search.finds(bytes.subarray(from, from + chunkBytes))) return true;
  }
  return false;
}

test("a text is found wherever it is, however the stream is divided", () => {
  const texts = ["a", "ab", "aab", "aabaaab", "abab", "é", "ready"];
  const streams = [
    "",
    "a",
    "ab",
    "aaab",
    "aabaabaaab",
    "aabaaaab",
    "ababab",
    "xé",
    "rereadyy",
    "b",
  ];
  for (const text of texts) {
    for (const stream of streams) {
      for (const chunkBytes of [1, 2, 3, 100]) {
        assert.equal(finds(text, stream, chunkBytes), stream.includes(text), `${text} ${stream}`);
      }
    }
  }
});

test("the search looks at each byte once, and at the text at most twice for each byte", () => {
  let reads = 0;
  const counted = (bytes: Buffer): ArrayLike<number> =>
    new Proxy(bytes, {
      get: (target, key) => {
        if (key !== "length") reads += 1;
        return Reflect.get(target, key, target);
      },
    });
  const search = new TextSearch(counted(Buffer.from(`${"a".repeat(1_023)}b`)));
  reads = 0;
  const chunk = Buffer.from("a");
  for (let sent = 0; sent < 8_192; sent += 1) search.finds(counted(chunk));
  assert.ok(reads <= 4 * 8_192, `${reads}`);
});
