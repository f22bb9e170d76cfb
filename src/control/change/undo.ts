import type { Revision } from "#model/document/document.ts";
import {
  applyChanges,
  differenceByPath,
  inverseOf,
  type PathChange,
} from "#model/document/path-change.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { pathOf } from "#model/problem.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { isEntryOfPath } from "../state/document-entries.ts";
import type { DocumentStore } from "../state/document-store.ts";

/** What an undo leads to. The document is not checked yet. */
export interface UndoPlan {
  readonly document: WrittenDocument;
  readonly cause: "undo" | "restore";
  readonly undoes: Revision;
}

const PAGE = 128;
const MAX_NAMED_CONFLICTS = 20;

/** Plans to make the document of `revision` the one in force. Rejects with `revision-gone` or `not-found`. */
export async function planRestore(store: DocumentStore, revision: Revision): Promise<UndoPlan> {
  const { document } = await store.revision(revision);
  return { document, cause: "restore", undoes: revision };
}

/**
 * Plans to take back one revision by its inverse difference. Without `revision` it is the newest change that is neither an undo
 * nor undone. Rejects with `undo-conflict` if a path that the revision changed has changed since, with `nothing-to-undo`,
 * `revision-gone` or `not-found`.
 */
export async function planUndo(
  store: DocumentStore,
  inForce: WrittenDocument,
  revision?: Revision,
): Promise<UndoPlan> {
  const undoes = revision ?? (await newestChange(store));
  const { record, document } = await store.revision(undoes);
  if (record.parent === 0) {
    throw new DirectorError(
      "nothing-to-undo",
      `Revision ${undoes} is the first; nothing came before it.`,
    );
  }
  const parent = await store.revision(record.parent);
  const wanted = inverseOf(differenceByPath(parent.document, document));
  const result = applyChanges(inForce, wanted);
  if ("conflicts" in result) throw await conflictOf(store, undoes, result.conflicts);
  return { document: result.document, cause: "undo", undoes };
}

async function newestChange(store: DocumentStore): Promise<Revision> {
  const undone = new Set<Revision>();
  for await (const record of newestFirst(store)) {
    const isUndone = undone.has(record.revision);
    if (record.cause === "undo") {
      // An undo that was itself taken back has undone nothing.
      if (!isUndone && record.undoes !== undefined) undone.add(record.undoes);
    } else if (!isUndone && record.parent !== 0) return record.revision;
  }
  throw new DirectorError("nothing-to-undo");
}

async function* newestFirst(store: DocumentStore): AsyncGenerator<RevisionRecord> {
  let before: Revision = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const page = await store.history(before, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    before = last.revision;
  }
}

/** Names each path that has changed since, with the newest revision that changed it. */
async function conflictOf(
  store: DocumentStore,
  undoes: Revision,
  conflicts: readonly PathChange["path"][],
): Promise<DirectorError> {
  const named = conflicts.slice(0, MAX_NAMED_CONFLICTS);
  const revisions = new Map<string, Revision>();
  for await (const record of newestFirst(store)) {
    if (record.revision <= undoes || revisions.size === named.length) break;
    // A revision that cannot have changed any of the paths is not read, because documents can be large and revisions many.
    const entries = [...(await store.changedEntries(record.revision))];
    if (!named.some((path) => entries.some((key) => isEntryOfPath(key, path)))) continue;
    const after = await store.revision(record.revision);
    const before = await store.revision(record.parent);
    const changes = differenceByPath(before.document, after.document);
    for (const path of named) {
      const text = pathOf(...path);
      if (revisions.has(text) || !changes.some((change) => overlap(change.path, path))) continue;
      revisions.set(text, record.revision);
    }
  }
  const list = named.map((path) => {
    const text = pathOf(...path);
    const revision = revisions.get(text);
    return revision === undefined ? text : `${text} (revision ${revision})`;
  });
  const rest = conflicts.length - named.length;
  return new DirectorError(
    "undo-conflict",
    `Revision ${undoes} changed what has changed since: ${list.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`,
  );
}

/** Returns true if one of the paths contains the other. */
const overlap = (one: PathChange["path"], other: PathChange["path"]): boolean =>
  one.slice(0, other.length).every((segment, at) => segment === other[at]);
