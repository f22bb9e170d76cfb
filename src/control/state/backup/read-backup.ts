import { createHash } from "node:crypto";
import type { Revision } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import { DOCUMENT_LINE } from "../document-lines.ts";
import { headsAbove } from "../head-watch.ts";
import { PutBatch } from "../put-batch.ts";
import { MAX_PUT_BYTES, type Head, type Store } from "../store.ts";
import { addedHashes, buildTree, readItems } from "../tree/content-tree.ts";
import { NodeCache, readValues } from "../tree/node-cache.ts";
import { parseLine, unusable, type BackupHeader } from "./backup-line.ts";
import { linesOf } from "./bounded-lines.ts";

export interface BackupFacts {
  readonly heads: number;
  readonly values: number;
  /** The newest revision of the document; 0 if there is none. */
  readonly revision: Revision;
  /** The store that the backup was made of, the version that made it, and when. */
  readonly header: BackupHeader;
}

/**
 * Fills an empty store from a backup. Everything is verified: the sum over all lines, the counts, and that each head has its values.
 * Rejects with DirectorError `backup-unusable` or `state-too-new` if the backup cannot be used. The store may then be
 * half filled.
 */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array>,
  store: Store,
): Promise<BackupFacts> {
  const facts = await fill(chunks, store);
  try {
    for (const line of await store.lines()) await verifyLine(store, line);
  } catch (error) {
    if (!(error instanceof DirectorError) || error.code !== "state-damaged") throw error;
    throw unusable(error.detail ?? "", error);
  }
  return facts;
}

async function fill(chunks: AsyncIterable<Uint8Array>, store: Store): Promise<BackupFacts> {
  const sha256 = createHash("sha256");
  const batch = new PutBatch(store);
  const counts = { heads: 0, values: 0 };
  let header: BackupHeader | undefined;
  let revision: Revision = 0;
  let isEnded = false;
  let number = 0;
  for await (const text of linesOf(chunks)) {
    number += 1;
    if (isEnded) throw unusable(`Line ${number} comes after the end.`);
    const line = parseLine(text, number);
    if ((header === undefined) !== (line.kind === "header")) {
      throw unusable(`Line ${number} is at the wrong place.`);
    }
    if (line.kind === "trailer") {
      const { trailer } = line;
      const isWhole = trailer.heads === counts.heads && trailer.values === counts.values;
      if (!isWhole) throw unusable("Lines are missing.");
      if (trailer.sha256 !== sha256.digest("hex")) throw unusable("The file was altered.");
      isEnded = true;
      continue;
    }
    sha256.update(text).update("\n");
    if (line.kind === "header") header = line.header;
    else if (line.kind === "value") {
      counts.values += 1;
      const bytes = Buffer.byteLength(line.value);
      if (bytes > MAX_PUT_BYTES) throw unusable(`Line ${number} has a value of ${bytes} bytes.`);
      await batch.add(line.value);
    } else {
      counts.heads += 1;
      await batch.flush();
      await addHead(store, line.head, number);
      if (line.head.line === DOCUMENT_LINE) revision = line.head.number;
    }
  }
  if (!isEnded || header === undefined) throw unusable("The end is missing.");
  await batch.flush();
  return { ...counts, revision, header };
}

async function addHead(store: Store, head: Head, number: number): Promise<void> {
  try {
    if (!(await store.advance([head]))) throw unusable(`Line ${number} continues no other head.`);
  } catch (error) {
    throw error instanceof RangeError ? unusable(`Line ${number}: ${error.message}`, error) : error;
  }
}

/** Checks that every head of a line has all of its values, and that the newest is what this program would have written. */
async function verifyLine(store: Store, line: string): Promise<void> {
  const cache = new NodeCache(store);
  let before: Head["roots"] = {};
  for (const { roots } of await headsAbove(store, line, 0)) {
    await readValues(store, await addedHashes(cache, before, roots));
    before = roots;
  }
  for (const root of Object.values(before)) {
    if (buildTree(await readItems(cache, root)).root !== root) {
      throw unusable(`The newest head of line ${JSON.stringify(line)} is not in order.`);
    }
  }
}
