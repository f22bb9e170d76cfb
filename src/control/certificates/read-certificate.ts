import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Certificate } from "#model/certificate.ts";
import type { Problem } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { pathOf, problemOf, type ProblemCode } from "#model/problem.ts";
import { certificateFactsOf } from "./certificate-facts.ts";
import { isCertificateBlock, tryPemBlocks, type PemBlock } from "./pem-blocks.ts";
import { signingFactsOf } from "./signing-facts.ts";
import { readPrivateKey, type PrivateKey } from "./read-private-key.ts";
import { readSource, SourceProblem, type SourceText } from "./read-source.ts";
import type { CertificateVersion } from "./sources.ts";

export interface ReadCertificate {
  readonly version: CertificateVersion;
  readonly warnings: readonly Problem[];
}

/**
 * Reads chain and key, proves that they go together, are valid at `nowMs` and that TLS takes them. Throws SourceProblem.
 * The id is over contents, so rewritten files with the same certificates and key are the same version.
 */
export async function readCertificate(
  name: string,
  certificate: Certificate,
  folder: string,
  nowMs: number,
): Promise<ReadCertificate> {
  const place = pathOf("certificates", name);
  const chainPlace = `${place}.chain`;
  const keyPlace = certificate.key === undefined ? chainPlace : `${place}.key`;
  const chainSource = await readSource(folder, certificate.chain, chainPlace);
  const keySource =
    certificate.key === undefined
      ? chainSource
      : await readSource(folder, certificate.key, keyPlace);
  const passphraseSource =
    certificate.passphraseFile === undefined
      ? undefined
      : await readSource(folder, certificate.passphraseFile, `${place}.passphraseFile`);
  const keyBlocks = tryPemBlocks(keySource.text);
  const chain = parseChain(tryPemBlocks(chainSource.text), chainPlace);
  const privateKey = readPrivateKey(keyBlocks, passphraseOf(passphraseSource), keyPlace);
  checkPair(chain, privateKey, keyPlace);
  checkPeriod(chain.leaf, chainPlace, nowMs);
  const chainPem = chain.all.map((entry) => entry.toString()).join("");
  proveUsable(chainPem, privateKey.pem, chainPlace);
  const files = new Map(
    [chainSource, keySource, passphraseSource].flatMap((source) =>
      source === undefined ? [] : [[source.file.path, source.file]],
    ),
  );
  const version: CertificateVersion = {
    id: createHash("sha256").update(chainPem).update(privateKey.pem).digest("hex") as MaterialId,
    material: { kind: "certificate", chainPem, keyPem: privateKey.pem },
    facts: certificateFactsOf(chain.leaf, privateKey.keyType),
    signing: signingFactsOf(privateKey.key, privateKey.keyType, chain.all),
    files: [...files.values()],
  };
  return { version, warnings: orderWarnings(chain, chainPlace) };
}

interface Chain {
  readonly leaf: X509Certificate;
  readonly all: readonly X509Certificate[];
}

const failed = (code: ProblemCode, place: string, message: string, hint?: string): SourceProblem =>
  new SourceProblem(problemOf(code, place, message, hint));

function parseChain(blocks: readonly PemBlock[] | undefined, place: string): Chain {
  if (blocks === undefined) {
    throw failed("certificate-malformed", place, "A PEM block in the file is not closed.");
  }
  const all = blocks.filter(isCertificateBlock).map(({ pem }, index) => {
    try {
      return new X509Certificate(pem);
    } catch {
      const message = `Certificate ${index + 1} of the file is damaged.`;
      throw failed("certificate-malformed", place, message);
    }
  });
  const [leaf] = all;
  if (leaf === undefined) {
    throw failed("certificate-malformed", place, "There is no PEM certificate in the file.");
  }
  return { leaf, all };
}

/** Its first line, as in nginx and HAProxy; a passphrase may have spaces at its ends. */
const passphraseOf = (source: SourceText | undefined): string | undefined =>
  source === undefined
    ? undefined
    : Buffer.from(source.text.split(/\r?\n/, 1)[0] ?? "", "latin1").toString("utf8");

function checkPair({ leaf, all }: Chain, { key }: PrivateKey, place: string): void {
  if (leaf.checkPrivateKey(key)) return;
  const index = all.findIndex((entry) => entry.checkPrivateKey(key));
  if (index === -1) {
    const hint = "Put the key that the certificate was issued for beside it.";
    const message = "The private key does not belong to the certificate.";
    throw failed("key-mismatch", place, message, hint);
  }
  const message = `The private key belongs to certificate ${index + 1} of the chain, not to the first.`;
  throw failed("key-mismatch", place, message);
}

function checkPeriod(leaf: X509Certificate, place: string, nowMs: number): void {
  if (leaf.validToDate.getTime() <= nowMs) {
    const message = `The certificate expired on ${dayOf(leaf.validToDate)}.`;
    throw failed("certificate-expired", place, message);
  }
  if (leaf.validFromDate.getTime() > nowMs) {
    const message = `The certificate is not valid before ${leaf.validFromDate.toISOString()}.`;
    throw failed("certificate-not-yet-valid", place, message);
  }
}

export const dayOf = (date: Date): string => date.toISOString().slice(0, "2007-01-01".length);

/** Finds what only the TLS library refuses, such as a signature with SHA-1, before a worker does. */
function proveUsable(cert: string, key: string, place: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    const message = `The TLS library does not take the certificate${code}.`;
    throw failed("certificate-unusable", place, message);
  }
}

function orderWarnings({ all }: Chain, place: string): readonly Problem[] {
  const index = all.findIndex((entry, at) => {
    const issuer = all[at + 1];
    return issuer !== undefined && !entry.checkIssued(issuer);
  });
  if (index === -1) return [];
  const message = `Certificate ${index + 2} of the chain did not issue certificate ${index + 1}.`;
  return [problemOf("chain-order", place, message)];
}
