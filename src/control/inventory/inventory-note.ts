import type { Head } from "../state/store.ts";
import type { CertificateRecord, RecordSummary } from "./version-record.ts";

/** What the note of a head of the inventory says, so that a start need not read what the head refers to. */
export interface InventoryNote {
  /** Identifies what is kept of files (`digestOfFiles`). */
  readonly filesDigest?: string;
  /** Whether a version becomes active by itself. */
  readonly waits?: boolean;
  /** The number of the first version of a certificate that has no record. Records that were removed have had lower ones. */
  readonly nextVersion?: number;
}

export const noteOf = (head: Head | undefined): InventoryNote => head?.note ?? {};

/** Returns the note of a head after `before`. `removed` are the records that the new head does not have. */
export function noteAfter(
  before: InventoryNote,
  filesDigest: string | undefined,
  summaries: Iterable<RecordSummary>,
  removed: readonly CertificateRecord[],
): InventoryNote {
  const digest = filesDigest ?? before.filesDigest;
  const numbers = [before.nextVersion ?? 1, ...removed.map(({ nextVersion }) => nextVersion)];
  return {
    ...(digest === undefined ? {} : { filesDigest: digest }),
    waits: Iterator.from(summaries).some(({ waiting }) => waiting.length > 0),
    nextVersion: Math.max(...numbers),
  };
}
