import { resolve } from "node:path";
import type { Certificate } from "#model/document/certificate.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { pathOf } from "#model/problem.ts";
import { controlModeOf } from "../control-mode.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { readCertificate } from "./read-certificate.ts";
import { readSystemTrust } from "./read-system-trust.ts";
import { readTrust, type TrustSource } from "./read-trust.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type CertificateVersion,
  type SourceFile,
  type TrustVersion,
} from "./sources.ts";

/** A version of a certificate or of a CA bundle. */
export interface SourceVersion {
  readonly id: MaterialId;
  readonly files: readonly SourceFile[];
}

export interface ReadVersion<Version extends SourceVersion> {
  readonly version: Version;
  readonly warnings: readonly Problem[];
}

/** Something that the document names files for: how it is called, where it stands, which files, how it is read. */
export interface DocumentSource<Version extends SourceVersion> {
  readonly key: string;
  readonly place: string;
  /** Absolute. */
  readonly paths: readonly string[];
  /** Throws SourceProblem. */
  read(nowMs: number, reader: MaterialReader): Promise<ReadVersion<Version>>;
}

export const certificateSourcesOf = (
  document: Document,
  folder: string,
): readonly DocumentSource<CertificateVersion>[] =>
  Object.entries(document.certificates).map(([name, certificate]) => ({
    key: name,
    place: pathOf("certificates", name),
    paths: absolute(folder, pathsOf(certificate)),
    read: (nowMs, reader) => readCertificate(name, certificate, folder, nowMs, reader),
  }));

/** Each pair of CA bundle and CRL once, however many policies and listeners name it; likewise the system's bundle. */
export function trustSourcesOf(
  document: Document,
  folder: string,
): readonly DocumentSource<TrustVersion>[] {
  const byKey = new Map<string, TrustSource>();
  for (const source of [...policyTrustsOf(document), ...endpointTrustsOf(document)]) {
    const key = trustKeyOf(source.ca, source.crl);
    if (!byKey.has(key)) byKey.set(key, source);
  }
  const named = [...byKey].map(([key, source]): DocumentSource<TrustVersion> => ({
    key,
    place: source.caPlace,
    paths: absolute(folder, [source.ca, source.crl]),
    read: (nowMs, reader) => readTrust(source, folder, nowMs, reader),
  }));
  const place = systemTrustPlaceOf(document);
  if (place === undefined) return named;
  const system: DocumentSource<TrustVersion> = {
    key: SYSTEM_TRUST_KEY,
    place,
    paths: [],
    read: async (_nowMs, reader) => ({
      version: await readSystemTrust(place, reader),
      warnings: [],
    }),
  };
  return [...named, system];
}

/** Whether a version was read from these files, whatever they held then. */
export const isFrom = (files: readonly SourceFile[], paths: readonly string[]): boolean =>
  files.length === paths.length && files.every(({ path }) => paths.includes(path));

const pathsOf = ({ chain, key, passphraseFile }: Certificate): readonly (string | undefined)[] => [
  chain,
  key,
  passphraseFile,
];

function absolute(folder: string, paths: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => (path === undefined ? [] : [resolve(folder, path)])))];
}

function policyTrustsOf(document: Document): readonly TrustSource[] {
  return Object.entries(document.policies).flatMap(([name, { clientAuth }]) => {
    const { ca, crl } = clientAuth;
    if (ca === undefined) return [];
    const place = pathOf("policies", name, "clientAuth");
    return [{ ca, crl, caPlace: `${place}.ca`, crlPlace: `${place}.crl` }];
  });
}

function endpointTrustsOf(document: Document): readonly TrustSource[] {
  return listenersOf(document).flatMap(({ path, listener }) =>
    controlModeOf(listener)
      .endpointTrustsOf(listener)
      .flatMap((trust) => {
        if (trust.ca === undefined) return [];
        const caPlace = `${path}.${trust.path}`;
        return [{ ca: trust.ca, crl: undefined, caPlace, crlPlace: caPlace }];
      }),
  );
}

/** Where the first listener stands that verifies by the system's bundle. */
function systemTrustPlaceOf(document: Document): string | undefined {
  for (const { path, listener } of listenersOf(document)) {
    for (const trust of controlModeOf(listener).endpointTrustsOf(listener)) {
      if (trust.ca === undefined) return `${path}.${trust.path}`;
    }
  }
  return undefined;
}
