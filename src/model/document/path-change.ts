/** The difference between two written documents: a list of changes by path, which can be applied and taken back. */
import { tryParts, valueOfParts, type Keys } from "./document-tree.ts";
import { isSameJson, type Json, type JsonMap } from "../json.ts";
import { compareNames } from "./natural-order.ts";
import type { WrittenDocument } from "./written-document.ts";

/** A part of the document that was added (it has no `before`), removed (it has no `after`) or replaced. */
export interface PathChange {
  readonly path: Keys;
  readonly before?: Json;
  readonly after?: Json;
}

const TOP_KEYS: Keys = [
  "servers",
  "profiles",
  "certificates",
  "policies",
] satisfies readonly (keyof WrittenDocument)[];

/**
 * Returns what must change in `before` to make it equal `after`. Whatever was added or removed as a whole is one change. Lists
 * other than that of listeners are compared as a whole.
 */
export function differenceByPath(
  before: WrittenDocument,
  after: WrittenDocument,
): readonly PathChange[] {
  const changes: PathChange[] = [];
  collectChanges([], before as JsonMap, after as JsonMap, changes);
  return changes;
}

function collectChanges(
  keys: Keys,
  before: Json | undefined,
  after: Json | undefined,
  changes: PathChange[],
): void {
  // Parts that a change does not touch are the same objects.
  if (before === after) return;
  const partsBefore = tryParts(keys, before);
  const partsAfter = tryParts(keys, after);
  if (partsBefore === undefined || partsAfter === undefined) {
    if (!isSameJson(before, after)) changes.push(changeOf(keys, before, after));
    return;
  }
  const names = new Set([...partsBefore.keys(), ...partsAfter.keys()]);
  const different = [...names].filter((name) => partsBefore.get(name) !== partsAfter.get(name));
  const order = keys.length === 0 ? TOP_KEYS : different.toSorted(compareNames);
  for (const name of order) {
    collectChanges([...keys, name], partsBefore.get(name), partsAfter.get(name), changes);
  }
}

const changeOf = (path: Keys, before: Json | undefined, after: Json | undefined): PathChange => ({
  path,
  ...(before === undefined ? {} : { before }),
  ...(after === undefined ? {} : { after }),
});

/** Returns the changes that take these back. */
export const inverseOf = (changes: readonly PathChange[]): readonly PathChange[] =>
  changes.map(({ path, before, after }) => changeOf(path, after, before));

export type AppliedChanges =
  | { readonly document: WrittenDocument }
  /** The paths at which the document does not have what the changes expect there. */
  | { readonly conflicts: readonly Keys[] };

/**
 * Applies changes to a document, all or none. A change can be applied if the document has exactly its `before` at its path. A
 * part can be added only to an owner that exists.
 */
export function applyChanges(
  document: WrittenDocument,
  changes: readonly PathChange[],
): AppliedChanges {
  const conflicts: Keys[] = [];
  const applied = appliedAt([], document as JsonMap, changes, conflicts);
  return conflicts.length > 0 ? { conflicts } : { document: applied as WrittenDocument };
}

function appliedAt(
  keys: Keys,
  value: Json | undefined,
  changes: readonly PathChange[],
  conflicts: Keys[],
): Json | undefined {
  const [first, ...others] = changes;
  if (first === undefined) return value;
  if (first.path.length === keys.length && others.length === 0 && isSameJson(value, first.before)) {
    return first.after;
  }
  const parts = tryParts(keys, value);
  if (parts === undefined || changes.some(({ path }) => path.length === keys.length)) {
    conflicts.push(...changes.map(({ path }) => path));
    return value;
  }
  const after = new Map(parts);
  const byKey = Map.groupBy(changes, ({ path }) => path[keys.length] ?? "");
  for (const [key, ofKey] of byKey) {
    const part = appliedAt([...keys, key], parts.get(key), ofKey, conflicts);
    if (part === undefined) after.delete(key);
    else after.set(key, part);
  }
  return valueOfParts(keys, after);
}
