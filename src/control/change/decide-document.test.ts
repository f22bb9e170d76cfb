import assert from "node:assert/strict";
import { test } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { decideDocument, type Decision } from "./decide-document.ts";

const documentOf = (name: string | undefined): WrittenDocument | undefined =>
  name === undefined ? undefined : { servers: { [name]: { address: "127.0.0.1" } } };

for (const [file, applied, stored, decision] of [
  [undefined, undefined, undefined, "serve-stored"],
  [undefined, "a", "b", "serve-stored"],
  ["a", undefined, undefined, "apply-file"],
  ["a", "a", "a", "equal"],
  ["b", "a", "b", "equal"],
  ["a", "a", "b", "serve-stored"],
  ["b", "a", "a", "apply-file"],
  ["b", undefined, "a", "apply-file"],
  ["c", "a", "b", "diverged"],
] as const satisfies readonly (readonly [
  string | undefined,
  string | undefined,
  string | undefined,
  Decision,
])[]) {
  test(`file ${file}, last applied ${applied} and store ${stored} give ${decision}`, () => {
    const candidates = {
      file: documentOf(file),
      applied: documentOf(applied),
      stored: documentOf(stored),
    };
    assert.equal(decideDocument(candidates), decision);
  });
}
