import { resolve } from "node:path";
import type { Certificate } from "#model/certificate.ts";
import type { Document } from "#model/document.ts";
import type { Problem } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { pathOf } from "#model/problem.ts";
import { readCertificate } from "./read-certificate.ts";
import { readTrust, type TrustSource } from "./read-trust.ts";
import {
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
  read(nowMs: number): Promise<ReadVersion<Version>>;
}

export const certificateSourcesOf = (
  document: Document,
  folder: string,
): readonly DocumentSource<CertificateVersion>[] =>
  Object.entries(document.certificates).map(([name, certificate]) => ({
    key: name,
    place: pathOf("certificates", name),
    paths: absolute(folder, pathsOf(certificate)),
    read: (nowMs) => readCertificate(name, certificate, folder, nowMs),
  }));

/** Each pair of CA bundle and CRL once, however many policies and listeners name it. */
export function trustSourcesOf(
  document: Document,
  folder: string,
): readonly DocumentSource<TrustVersion>[] {
  const byKey = new Map<string, TrustSource>();
  for (const source of [...policyTrustsOf(document), ...endpointTrustsOf(document)]) {
    const key = trustKeyOf(source.ca, source.crl);
    if (!byKey.has(key)) byKey.set(key, source);
  }
  return [...byKey].map(([key, source]) => ({
    key,
    place: source.caPlace,
    paths: absolute(folder, [source.ca, source.crl]),
    read: async (nowMs) => ({ version: await readTrust(source, folder, nowMs), warnings: [] }),
  }));
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
  return Object.entries(document.profiles).flatMap(([profile, { vnics }]) =>
    Object.entries(vnics).flatMap(([vnic, { listeners }]) =>
      listeners.flatMap(({ endpointTls }, index) => {
        if (endpointTls?.ca === undefined) return [];
        const place = pathOf(
          "profiles",
          profile,
          "vnics",
          vnic,
          "listeners",
          index,
          "endpointTls",
          "ca",
        );
        return [{ ca: endpointTls.ca, crl: undefined, caPlace: place, crlPlace: place }];
      }),
    ),
  );
}
