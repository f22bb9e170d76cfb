import type { HeldKey } from "../certificates/held-key.ts";
import type { CertificateRecord, VersionRecord } from "./version-record.ts";

/** A private key of a version that is not in the store yet. */
export interface NewKey {
  readonly name: string;
  readonly version: string;
  readonly key: HeldKey;
}

export interface InventoryChange {
  /** The records that take the place of those before, by the names of the certificates. One that is undefined is removed. */
  readonly records: ReadonlyMap<string, CertificateRecord | undefined>;
  /** The keys of those versions in `records` that have no `sealedKey` yet. */
  readonly keys: readonly NewKey[];
  /** Identifies what is kept of files (`digestOfFiles`). If it is absent, the one before stays. */
  readonly filesDigest?: string;
}

/** Returns a version of the records of a change. */
export function versionIn({ records }: InventoryChange, name: string, id: string): VersionRecord {
  const found = records.get(name)?.versions.find((version) => version.id === id);
  if (found === undefined) throw new TypeError(`The change has no version ${id} of ${name}.`);
  return found;
}
