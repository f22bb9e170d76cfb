/** How the versions of a certificate follow from what its files hold. Everything here is computed from the record before. */
import { HeldKey } from "../certificates/held-key.ts";
import type { CertificateVersion } from "../certificates/sources.ts";
import { withActive, withVersion, type Origin } from "./plan-versions.ts";
import {
  activeOf,
  isOfFiles,
  type CertificateRecord,
  type FilesSummary,
  type VersionRecord,
} from "./version-record.ts";

/** What the files of a certificate hold, and what is to be kept of them. */
export interface FilesState {
  /** The files in words. */
  readonly files: string;
  /** The version in use. Undefined if no version can be used. */
  readonly version: CertificateVersion | undefined;
  /** The version that is used as soon as it is valid. */
  readonly staged: CertificateVersion | undefined;
  /** Whether the key of the version in use is kept. */
  readonly keepsKey: boolean;
}

export interface FilesPlan {
  readonly record: CertificateRecord;
  /** The active version, if its key is still to be sealed. */
  readonly toSeal: { readonly version: string; readonly key: HeldKey } | undefined;
  /** Whether anything but a key has changed. */
  readonly isChanged: boolean;
}

/** Whether what is kept is as the files are. */
export function isSettled(kept: FilesSummary | undefined, state: FilesState): boolean {
  const { files, version, staged, keepsKey } = state;
  if (kept?.staged !== staged?.id) return false;
  if (version === undefined) return kept?.files !== files || !kept.hasKey || keepsKey;
  return kept?.files === files && kept.material === version.id && kept.hasKey === keepsKey;
}

export function planFiles(before: CertificateRecord, state: FilesState, at: string): FilesPlan {
  const origin: Origin = { by: { origin: "certificate-watcher" }, at, from: state.files };
  const used = withUsed(before, state, origin);
  const settled = withStaged(withoutOldKeys(used), state, origin);
  const active = activeOf(settled);
  const isOwn = active !== undefined && isOfFiles(active) && active.from === state.files;
  const record = isOwn && !state.keepsKey ? withoutKey(settled, active) : settled;
  const { version, keepsKey } = state;
  const isToSeal = isOwn && keepsKey && active.sealedKey === undefined && version !== undefined;
  return {
    record,
    // The copy may be erased while the version is in use, so the key in use does not depend on it.
    toSeal: isToSeal
      ? { version: active.id, key: HeldKey.clear(version.material.key.open()) }
      : undefined,
    isChanged: record !== before,
  };
}

function withUsed(
  record: CertificateRecord,
  { files, version }: FilesState,
  origin: Origin,
): CertificateRecord {
  if (version === undefined) return record;
  const isSame = (one: VersionRecord): boolean =>
    isOfFiles(one) && one.from === files && one.material === version.id;
  const active = activeOf(record);
  if (active !== undefined && isSame(active)) return record;
  const staged = record.versions.find((one) => one.state === "staged" && isSame(one));
  if (staged !== undefined) return withActive(record, staged.id, origin.at);
  const added = withVersion(record, version, origin, {});
  return withActive(added.record, added.version.id, origin.at);
}

/** At most one version of files is staged: the one that the files hold. */
function withStaged(
  record: CertificateRecord,
  { files, staged }: FilesState,
  origin: Origin,
): CertificateRecord {
  const isOther = (one: VersionRecord): boolean =>
    one.state === "staged" &&
    isOfFiles(one) &&
    !(one.from === files && one.material === staged?.id);
  const kept = withVersions(record, (one) => (isOther(one) ? undefined : one));
  const isKnown = kept.versions.some((one) => one.state === "staged" && isOfFiles(one));
  if (staged === undefined || isKnown) return kept;
  return withVersion(kept, staged, origin, { activatesItself: true }).record;
}

/** Nothing goes back to an earlier version of files, so neither its chain nor its key is needed. */
const withoutOldKeys = (record: CertificateRecord): CertificateRecord =>
  withVersions(record, (one) => {
    if (one.state !== "previous" || !isOfFiles(one)) return one;
    if (one.sealedKey === undefined && one.chain === undefined) return one;
    const { sealedKey: _, chain: __, ...rest } = one;
    return rest;
  });

function withoutKey(record: CertificateRecord, version: VersionRecord): CertificateRecord {
  if (version.sealedKey === undefined) return record;
  return withVersions(record, (one) => {
    if (one !== version) return one;
    const { sealedKey: _, ...rest } = one;
    return rest;
  });
}

/** Returns the same record if no version changes. */
function withVersions(
  record: CertificateRecord,
  change: (version: VersionRecord) => VersionRecord | undefined,
): CertificateRecord {
  const versions = record.versions.flatMap((version) => change(version) ?? []);
  const isSame =
    versions.length === record.versions.length &&
    versions.every((version, at) => version === record.versions[at]);
  return isSame ? record : { ...record, versions };
}
