import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { MaterialId } from "#model/names.ts";
import { problemOf, type ProblemCode } from "#model/problem.ts";
import { checkRevocationLists } from "./check-revocation-lists.ts";
import { isCertificateBlock, tryPemBlocks } from "./pem-blocks.ts";
import { dayOf } from "./read-certificate.ts";
import { readSource, SourceProblem, type SourceText } from "./read-source.ts";
import type { TrustVersion } from "./sources.ts";

/** A CA bundle of the document, its CRL, and where their paths stand. */
export interface TrustSource {
  readonly ca: string;
  readonly crl: string | undefined;
  readonly caPlace: string;
  readonly crlPlace: string;
}

/** Reads a CA bundle and the revocation lists of its CAs. Throws SourceProblem. */
export async function readTrust(
  source: TrustSource,
  folder: string,
  nowMs: number,
): Promise<TrustVersion> {
  const caSource = await readSource(folder, source.ca, source.caPlace);
  const crlSource =
    source.crl === undefined ? undefined : await readSource(folder, source.crl, source.crlPlace);
  const authorities = parseAuthorities(caSource.text, source.caPlace, nowMs);
  const crlPem =
    crlSource === undefined
      ? undefined
      : await crlPemOf(crlSource, source.crlPlace, authorities, nowMs);
  const caPem = authorities.map((entry) => entry.toString()).join("");
  proveUsable(caPem, crlPem, source);
  const hash = createHash("sha256")
    .update(caPem)
    .update(crlPem ?? "");
  return {
    id: hash.digest("hex") as MaterialId,
    material: { kind: "trust", caPem, crlPem },
    files: [caSource.file, ...(crlSource === undefined ? [] : [crlSource.file])],
  };
}

const failed = (code: ProblemCode, place: string, message: string): SourceProblem =>
  new SourceProblem(problemOf(code, place, message));

function parseAuthorities(text: string, place: string, nowMs: number): readonly X509Certificate[] {
  const blocks = tryPemBlocks(text);
  if (blocks === undefined) {
    throw failed("ca-malformed", place, "A PEM block in the file is not closed.");
  }
  const authorities = blocks.filter(isCertificateBlock).map(({ pem }, index) => {
    try {
      return new X509Certificate(pem);
    } catch {
      throw failed("ca-malformed", place, `Certificate ${index + 1} of the file is damaged.`);
    }
  });
  if (authorities.length === 0) {
    throw failed("ca-malformed", place, "There is no PEM certificate in the file.");
  }
  const latest = Math.max(...authorities.map(({ validToDate }) => validToDate.getTime()));
  if (latest <= nowMs) {
    const day = dayOf(new Date(latest));
    throw failed(
      "ca-expired",
      place,
      `Every CA certificate of the file has expired, the last on ${day}.`,
    );
  }
  return authorities;
}

async function crlPemOf(
  { text }: SourceText,
  place: string,
  authorities: readonly X509Certificate[],
  nowMs: number,
): Promise<string> {
  const blocks = tryPemBlocks(text);
  if (blocks === undefined) {
    throw failed("crl-malformed", place, "A PEM block in the file is not closed.");
  }
  const lists = blocks.filter(({ label }) => label === "X509 CRL");
  if (lists.length === 0) {
    throw failed("crl-malformed", place, "There is no PEM revocation list in the file.");
  }
  await checkRevocationLists(lists, authorities, place, nowMs);
  return lists.map(({ pem }) => pem).join("");
}

function proveUsable(ca: string, crl: string | undefined, source: TrustSource): void {
  try {
    createSecureContext({ ca });
  } catch {
    throw failed(
      "ca-malformed",
      source.caPlace,
      "The TLS library does not take the CA certificates.",
    );
  }
  if (crl === undefined) return;
  try {
    createSecureContext({ ca, crl });
  } catch {
    throw failed(
      "crl-malformed",
      source.crlPlace,
      "The TLS library does not take the revocation list.",
    );
  }
}
