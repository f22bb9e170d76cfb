import type { MaterialId } from "#model/names.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import type { ReadVersion } from "./document-sources.ts";
import { readMaterial } from "./read-material.ts";
import { looksOf, readSource, type SourceFiles } from "./read-source.ts";
import type { TrustVersion } from "./sources.ts";

/** The files of a CA bundle and its CRL, and the paths of both settings in the document. */
export interface TrustSource {
  readonly ca: string;
  readonly crl: string | undefined;
  readonly caPlace: string;
  readonly crlPlace: string;
}

/** Reads a CA bundle and the revocation lists of its CAs, and has a reader process check them. Throws SourceProblem. */
export async function readTrust(
  source: TrustSource,
  files: SourceFiles,
  reader: MaterialReader,
): Promise<ReadVersion<TrustVersion>> {
  const { ca, crl, caPlace, crlPlace } = source;
  const caSource = await readSource(files, ca, caPlace);
  const crlSource = crl === undefined ? undefined : await readSource(files, crl, crlPlace);
  const { reply, parts } = await readMaterial(
    reader,
    {
      kind: "trust",
      has: { crl: crlSource !== undefined },
      places: { ca: caPlace, crl: crlPlace },
    },
    [caSource.bytes, crlSource?.bytes],
    caPlace,
  );
  const [caPem = "", crlPem = ""] = parts.map((part) => part.toString("latin1"));
  const version: TrustVersion = {
    id: reply.id as MaterialId,
    material: { kind: "trust", caPem, crlPem: crlSource === undefined ? undefined : crlPem },
    validity: reply.validity,
    ...(reply.unrootedCa === undefined ? {} : { unrootedCa: reply.unrootedCa }),
  };
  return { version, warnings: reply.warnings, looks: looksOf([caSource, crlSource]) };
}
