import { DirectorError } from "#model/failure.ts";
import type { TreeDocumentStore } from "../state/tree-document-store.ts";
import type { ChangeRequest } from "./change.ts";
import type { Wants } from "./wants.ts";

interface Parts {
  readonly store: Pick<TreeDocumentStore, "latest" | "reopen">;
  readonly wants: Pick<Wants, "edit">;
  readonly change: (request: ChangeRequest) => Promise<unknown>;
}

/** Serves the secrets of the document that could not be opened until now, if the master key is there. It is no new revision. */
export async function reopenSecrets({ store, wants, change }: Parts): Promise<void> {
  if (!(await store.reopen())) return;
  const latest = await store.latest();
  if (latest === undefined) return;
  const want = wants.edit(() => latest.document);
  try {
    await change({ kind: "document", by: { origin: "socket" }, want });
  } catch (error) {
    // The event of the change says why it was refused. The master key is in use all the same.
    if (!(error instanceof DirectorError)) throw error;
  }
}
