import { isDeepStrictEqual } from "node:util";
import type { CertificateName, ListenerName } from "#model/names.ts";
import { certificateNamesOf } from "#model/records/mode-records.ts";
import type { Snapshot, SnapshotListener } from "#model/records/snapshot.ts";
import { changedCertificates } from "../workers/difference.ts";

/** The listeners that a change affects, in the order of the document. All others notice nothing. */
export interface ChangeEffect {
  readonly opens: readonly ListenerName[];
  readonly closes: readonly ListenerName[];
  /** Listeners that stay open with other settings or certificates. */
  readonly changes: readonly ListenerName[];
}

/** Returns the listeners whose virtual IPs this machine has. */
export function openListenersOf({ listeners, absentIps }: Snapshot): Snapshot["listeners"] {
  if (absentIps.length === 0) return listeners;
  const absent = new Set(absentIps);
  return listeners.filter(({ virtualIp }) => !absent.has(virtualIp));
}

export function effectOf(before: Snapshot | undefined, after: Snapshot): ChangeEffect {
  const old = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  const names = new Set(after.listeners.map(({ name }) => name));
  const wasOpen = new Set(before && openListenersOf(before).map(({ name }) => name));
  const rotated = rotatedBetween(before, after);
  return {
    opens: openListenersOf(after).flatMap(({ name }) => (wasOpen.has(name) ? [] : [name])),
    closes: [...wasOpen].filter((name) => !names.has(name)),
    changes: after.listeners
      .filter((listener) => {
        const known = old.get(listener.name);
        if (known === undefined) return false;
        return !isDeepStrictEqual(known, listener) || usesOneOf(listener, rotated);
      })
      .map(({ name }) => name),
  };
}

/** Returns the names of the certificates that one of the snapshots lacks or that have other versions in it. */
function rotatedBetween(
  before: Snapshot | undefined,
  after: Snapshot,
): ReadonlySet<CertificateName> {
  const gone = [...(before?.certificates.keys() ?? [])].filter(
    (name) => !after.certificates.has(name),
  );
  return new Set([...gone, ...changedCertificates(before, after).map(({ name }) => name)]);
}

const usesOneOf = (listener: SnapshotListener, names: ReadonlySet<CertificateName>): boolean =>
  names.size > 0 && certificateNamesOf(listener).some((name) => names.has(name));
