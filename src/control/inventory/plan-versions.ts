/** How the versions of one certificate follow each other. Everything here is computed from the record before. */
import type { Author } from "#model/records/revision.ts";
import type { CertificateVersion } from "../certificates/sources.ts";
import { spkiHashOfPin } from "../certificates/spki-hash.ts";
import { pendingOf, type CertificateRecord, type VersionRecord } from "./version-record.ts";

/** How many versions that were active before are kept. */
const MAX_PREVIOUS = 10;
/** How many versions may wait to become active. */
export const MAX_STAGED = 10;

export interface Origin {
  readonly by: Author;
  /** ISO 8601. */
  readonly at: string;
  readonly from: string;
}

/** When a staged version becomes active. */
export type StagedTerms = Pick<VersionRecord, "activatesItself" | "allowed">;

/** Adds a version that is staged. If the key is that of the request that is pending, the version is the one of the request. */
export function withVersion(
  record: CertificateRecord,
  { id: material, facts, material: { chainPem } }: CertificateVersion,
  origin: Origin,
  terms: StagedTerms,
): { readonly record: CertificateRecord; readonly version: VersionRecord } {
  const spki = spkiHashOfPin(facts.spkiPin);
  const pending = pendingOf(record);
  const completed = pending?.spki === spki ? pending : undefined;
  const version: VersionRecord = {
    ...(completed ?? { id: String(record.nextVersion) }),
    ...origin,
    ...{ state: "staged", facts, chain: chainPem, spki, material },
    ...terms,
  };
  const others = record.versions.filter((one) => one !== completed);
  return {
    version,
    record: {
      nextVersion: record.nextVersion + (completed === undefined ? 1 : 0),
      versions: inOrder([...others, version]),
    },
  };
}

/** Adds a request for a CA. The request before it, which is not answered, is removed. */
export function withRequest(
  record: CertificateRecord,
  request: { readonly request: string; readonly spki: string },
  origin: Origin,
): { readonly record: CertificateRecord; readonly version: VersionRecord } {
  const id = String(record.nextVersion);
  const version: VersionRecord = { id, state: "pending", ...origin, ...request };
  const others = record.versions.filter(({ state }) => state !== "pending");
  return {
    version,
    record: { nextVersion: record.nextVersion + 1, versions: [...others, version] },
  };
}

/**
 * Makes one version active. The oldest of too many previous versions is removed. If the clock was set back since the last change, the time
 * of the last change is used, because the order of the previous versions depends on it.
 */
export function withActive(record: CertificateRecord, id: string, now: string): CertificateRecord {
  const at = afterLastOf(record, now);
  const versions = record.versions.map((version): VersionRecord => {
    if (version.id === id) {
      const { activatesItself: _, allowed: __, ...rest } = version;
      return { ...rest, state: "active", activeFrom: at };
    }
    if (version.state !== "active") return version;
    return { ...version, state: "previous", activeUntil: at };
  });
  const removed = new Set(previousOf({ ...record, versions }).slice(MAX_PREVIOUS));
  return { ...record, versions: versions.filter((version) => !removed.has(version)) };
}

export const withReplaced = (
  record: CertificateRecord,
  version: VersionRecord,
): CertificateRecord => ({
  ...record,
  versions: record.versions.map((one) => (one.id === version.id ? version : one)),
});

/** Returns `now`, or the next millisecond after the last change of the active version if that is later. */
function afterLastOf({ versions }: CertificateRecord, now: string): string {
  const last = versions
    .map(({ activeUntil = "" }) => activeUntil)
    .reduce((latest, one) => (one > latest ? one : latest), "");
  return now > last ? now : new Date(Date.parse(last) + 1).toISOString();
}

export const withoutVersion = (record: CertificateRecord, id: string): CertificateRecord => ({
  ...record,
  versions: record.versions.filter((version) => version.id !== id),
});

/** Returns the versions that were active before, the one that was replaced last first. */
export const previousOf = ({ versions }: CertificateRecord): readonly VersionRecord[] =>
  versions
    .filter(({ state }) => state === "previous")
    .toSorted((one, other) => Number(other.id) - Number(one.id))
    .toSorted((one, other) => (other.activeUntil ?? "").localeCompare(one.activeUntil ?? ""));

const inOrder = (versions: readonly VersionRecord[]): readonly VersionRecord[] =>
  versions.toSorted((one, other) => Number(one.id) - Number(other.id));
