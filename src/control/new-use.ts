import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import type { Problem } from "#model/failure.ts";
import { isError } from "#model/problem.ts";
import type { SourceEntries, SourceEntry } from "./certificates/source-entry.ts";
import type { SourceVersion } from "./certificates/sources.ts";
import { materialOfListener } from "./listener-material.ts";

interface DocumentWithEntries {
  readonly document: Document;
  readonly entries: SourceEntries;
}

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
  inForce: DocumentWithEntries,
  nowMs = Date.now(),
): readonly Problem[] {
  const isInForce = ({ source }: SourceEntry<SourceVersion>): boolean =>
    [inForce.entries.certificates, inForce.entries.trusts].some(
      (known) => known.get(source.key)?.source.origin === source.origin,
    );
  const bad = new Map<SourceEntry<SourceVersion>, Problem>();
  for (const entry of [...entries.certificates.values(), ...entries.trusts.values()]) {
    const problem = isInForce(entry) ? defectOf(entry, nowMs) : undefined;
    if (problem !== undefined) bad.set(entry, problem);
  }
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

function defectOf(
  { source, version, refusals }: SourceEntry<SourceVersion>,
  nowMs: number,
): Problem | undefined {
  if (version === undefined) return refusals[0];
  return source.problemsAt(version, nowMs).find(isError);
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
