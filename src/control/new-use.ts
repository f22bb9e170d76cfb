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
  const bad = new Map<SourceEntry<SourceVersion>, Problem>([
    ...defectsInForce(entries.certificates, inForce.entries.certificates, nowMs),
    ...defectsInForce(entries.trusts, inForce.entries.trusts, nowMs),
  ]);
  if (bad.size === 0) return [];
  const before = new Map(
    listenersOf(inForce.document).map(({ name, listener }) => [
      name,
      new Set(usesOf(listener, inForce.document, inForce.entries).map(({ id }) => id)),
    ]),
  );
  return listenersOf(document).flatMap(({ name, path, listener }) =>
    usesOf(listener, document, entries).flatMap((use) => {
      const problem = use.entry && bad.get(use.entry);
      if (problem === undefined || before.get(name)?.has(use.id) === true) return [];
      return [{ ...problem, path: `${path}.${use.path}` }];
    }),
  );
}

/** The defects of entries that have the same source in force. Those of the others are errors already. */
const defectsInForce = <Version extends SourceVersion>(
  entries: ReadonlyMap<string, SourceEntry<Version>>,
  inForce: ReadonlyMap<string, SourceEntry<Version>>,
  nowMs: number,
): readonly (readonly [SourceEntry<Version>, Problem])[] =>
  [...entries].flatMap(([key, entry]) => {
    if (inForce.get(key)?.source.origin !== entry.source.origin) return [];
    const problem = defectOf(entry, nowMs);
    return problem === undefined ? [] : [[entry, problem] as const];
  });

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
