import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import type { Problem } from "#model/failure.ts";
import {
  defectOf,
  type DocumentInForce,
  type SourceEntries,
  type SourceEntry,
} from "./certificates/source-entry.ts";
import type { SourceVersion } from "./certificates/sources.ts";
import { materialOfListener } from "./listener-material.ts";

/** One use of a certificate or CA bundle by a listener. `path` is the key of the listener. */
interface Use {
  readonly id: string;
  readonly path: string;
  readonly entry: SourceEntry<SourceVersion> | undefined;
}

/**
 * Finds listeners that begin to use a certificate or CA bundle which is in force and cannot be used or is not valid. Such a
 * change would damage a listener that works. Listeners that use it already are not affected by the change.
 */
export function newUseProblems(
  document: Document,
  entries: SourceEntries,
  inForce: DocumentInForce,
  nowMs = Date.now(),
): readonly Problem[] {
  const before = new Map(
    listenersOf(inForce.document).map(({ name, listener }) => [name, listener]),
  );
  const hasSamePolicies = document.policies === inForce.document.policies;
  return listenersOf(document).flatMap(({ name, path, listener }) => {
    const old = before.get(name);
    if (old === listener && hasSamePolicies) return [];
    const used = new Set(
      (old === undefined ? [] : usesOf(old, inForce.document, inForce.entries)).map(({ id }) => id),
    );
    return usesOf(listener, document, entries).flatMap(({ id, path: place, entry }) => {
      const problem =
        entry === undefined || used.has(id) ? undefined : defectInForce(entry, inForce, nowMs);
      return problem === undefined ? [] : [{ ...problem, path: `${path}.${place}` }];
    });
  });
}

/** Returns the defect of an entry that has the same source in force. That of another one is an error already. */
function defectInForce(
  entry: SourceEntry<SourceVersion>,
  { entries: { certificates, trusts } }: DocumentInForce,
  nowMs: number,
): Problem | undefined {
  const { key, origin } = entry.source;
  const isInForce = [certificates, trusts].some((map) => map.get(key)?.source.origin === origin);
  return isInForce ? defectOf(entry, nowMs) : undefined;
}

function usesOf(listener: Listener, document: Document, entries: SourceEntries): readonly Use[] {
  const { certificates, trusts, endpointCertificate } = materialOfListener(listener, document);
  const certificateUse = (name: string, path: string): Use => ({
    id: `certificate ${name}`,
    path,
    entry: entries.certificates.get(name),
  });
  return [
    ...certificates.map((name, at) => certificateUse(name, `certificates[${at}]`)),
    ...(endpointCertificate === undefined
      ? []
      : [certificateUse(endpointCertificate, "endpointTls.certificate")]),
    ...trusts.map(({ key, path }) => ({
      id: `trust ${key}`,
      path,
      entry: entries.trusts.get(key),
    })),
  ];
}
