import { DirectorError } from "#model/failure.ts";
import { exchangeWithAdmin } from "./admin-client.ts";

/** The entity tag of the document, which names the store and the revision. */
export interface DocumentTag {
  /** With its quotes, as in If-Match. */
  readonly tag: string;
  readonly storeId: string;
  readonly revision: number;
}

const DEADLINE_MS = 10_000;
/** The id is a UUID, which contains hyphens. */
const TAG = /^"(.+)-(\d+)(?:-unsaved)?"$/;

/** Resolves to the tag of the document in force. Rejects as `askAdmin` does. */
export async function readDocumentTag(socketPath: string): Promise<DocumentTag> {
  // Any document matches, so the reply has no body.
  const { tag } = await exchangeWithAdmin(socketPath, {
    method: "GET",
    path: "/v1/document",
    deadlineMs: DEADLINE_MS,
    headers: { "if-none-match": "*" },
  });
  return documentTagOf(tag);
}

/** Throws `internal` if it is not the tag of a document. */
export function documentTagOf(tag: string): DocumentTag {
  const found = tryDocumentTag(tag);
  if (found !== undefined) return found;
  throw new DirectorError("internal", `The admin API replied with the entity tag ${tag}.`);
}

/** Returns undefined for the tag of another resource. */
export function tryDocumentTag(tag: string): DocumentTag | undefined {
  const [, storeId, revision] = TAG.exec(tag) ?? [];
  return storeId === undefined ? undefined : { tag, storeId, revision: Number(revision) };
}

/** Returns the tag that the document has at a revision of the same store. */
export const tagAt = (current: DocumentTag, revision: number, storeId = current.storeId): string =>
  revision === current.revision && storeId === current.storeId
    ? current.tag
    : `"${storeId}-${revision}"`;
