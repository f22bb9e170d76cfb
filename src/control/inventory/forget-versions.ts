import type { Inventory } from "./inventory.ts";
import { isOfFiles, type CertificateRecord, type VersionRecord } from "./version-record.ts";

/** How many certificates are removed in one transaction. */
const BATCH = 256;
/** A version that waits to become active is referred to by no revision yet. It is kept for as long as revisions are. */
const MAX_WAIT_MS = 400 * 24 * 3_600_000;

export interface ForgetParts {
  readonly inventory: Pick<Inventory, "load" | "names" | "record" | "save">;
  /** Returns the names of the certificates of the document in force. */
  readonly namesInForce: () => readonly string[];
  /** Resolves to the names of the certificates of all documents that are kept. */
  readonly namesInHistory: () => Promise<ReadonlySet<string>>;
  /** Runs work while no change runs. */
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Removes what is kept of certificates that are in no document any more, neither in the one in force nor in one of the history. Nothing
 * can bring them back. Their keys cannot be opened afterwards.
 */
export async function forgetVersions(parts: ForgetParts, nowMs: number): Promise<void> {
  const { inventory, namesInForce, inTurn } = parts;
  await inventory.load();
  const inForce = new Set(namesInForce());
  if ([...inventory.names()].every((name) => inForce.has(name))) return;
  let isMore = true;
  while (isMore) isMore = await inTurn(() => forgetSome(parts, nowMs));
}

/** Resolves to whether there may be more to remove. */
async function forgetSome(
  { inventory, namesInForce, namesInHistory }: ForgetParts,
  nowMs: number,
): Promise<boolean> {
  // A change may have brought a name back since the last turn.
  const named = new Set([...namesInForce(), ...(await namesInHistory())]);
  const records = new Map<string, CertificateRecord | undefined>();
  for (const name of inventory.names()) {
    if (named.has(name)) continue;
    const before = inventory.record(name);
    const after = withoutUsed(before, nowMs);
    if (after !== before) records.set(name, after);
    if (records.size === BATCH) break;
  }
  if (records.size === 0) return false;
  return (await inventory.save({ records, keys: [] })) && records.size === BATCH;
}

/** Returns undefined if no version is left. */
function withoutUsed(record: CertificateRecord, nowMs: number): CertificateRecord | undefined {
  const isWaiting = (version: VersionRecord): boolean =>
    (version.state === "pending" || version.state === "staged") &&
    !isOfFiles(version) &&
    Date.parse(version.at) > nowMs - MAX_WAIT_MS;
  const versions = record.versions.filter(isWaiting);
  if (versions.length === 0) return undefined;
  return versions.length === record.versions.length ? record : { ...record, versions };
}
