import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";
import type { ChainFacts } from "#model/document/certificate.ts";
import { fingerprintOf, oneLineOf, shortened } from "./certificate-facts.ts";
import { certificateFieldsOf } from "./certificate-fields.ts";
import { bytesOf } from "./parse-certificates.ts";

export type Chain = readonly [leaf: X509Certificate, ...rest: X509Certificate[]];

/** Roots as DER. They are read when they are needed, because reading them takes milliseconds. */
export interface KnownRoots {
  /** The roots that browsers trust: those of Mozilla, which are part of Node. */
  bundled(): readonly Buffer[];
  /** The roots that this machine trusts. */
  system(): readonly Buffer[];
}

export function chainFactsOf(chain: Chain, roots: KnownRoots = KNOWN_ROOTS): ChainFacts {
  const brokenAt = chain.findIndex((entry, at) => {
    const issuer = chain[at + 1];
    return issuer !== undefined && !isIssuedBy(entry, issuer);
  });
  const path = pathOf(chain);
  const isPublic =
    certificateFieldsOf(chain[0]).claimsPublicCa &&
    path.some((entry) => isRooted(entry, roots.bundled()));
  const lacksIssuer = isPublic ? undefined : tryMissingIssuer(path, roots);
  return {
    certificates: chain.map(chainCertificateOf),
    isPublic,
    ...(brokenAt === -1 ? {} : { brokenAt: brokenAt + 1 }),
    ...(lacksIssuer === undefined ? {} : { lacksIssuer }),
  };
}

function chainCertificateOf(entry: X509Certificate): ChainFacts["certificates"][number] {
  const { notBeforeMs, notAfterMs } = certificateFieldsOf(entry);
  return {
    subject: oneLineOf(entry.subject),
    issuer: oneLineOf(entry.issuer),
    serialNumber: shortened(entry.serialNumber),
    fingerprint: fingerprintOf(entry),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(notAfterMs === undefined ? {} : { notAfterMs }),
    isSelfSigned: isSelfSigned(entry),
  };
}

/** Returns the leaf, its issuer and so on, as far as the file contains them, in whatever order. */
function pathOf(chain: Chain): Chain {
  const path: [X509Certificate, ...X509Certificate[]] = [chain[0]];
  const others = new Set(chain.slice(1));
  let top: X509Certificate | undefined = chain[0];
  while (top !== undefined && !isSelfSigned(top)) {
    const subject: X509Certificate = top;
    top = [...others].find((entry) => isIssuedBy(subject, entry));
    if (top === undefined) break;
    others.delete(top);
    path.push(top);
  }
  return path;
}

/**
 * Returns the issuer at which the path ends although it is an intermediate. Nothing in a certificate says whether its issuer is a
 * root, so this is deduced: public CAs issue from intermediates only, and an address of the issuer's certificate has a purpose only if
 * clients lack that certificate.
 */
function tryMissingIssuer(path: Chain, roots: KnownRoots): string | undefined {
  const top = path.at(-1);
  if (top === undefined || isSelfSigned(top)) return undefined;
  const { claimsPublicCa, hasIssuerAddress } = certificateFieldsOf(top);
  if (!claimsPublicCa && !hasIssuerAddress) return undefined;
  const isComplete = isRooted(top, roots.bundled()) || isRooted(top, roots.system());
  return isComplete ? undefined : oneLineOf(top.issuer);
}

const isSelfSigned = (entry: X509Certificate): boolean =>
  entry.subject === entry.issuer && isIssuedBy(entry, entry);

function isIssuedBy(entry: X509Certificate, issuer: X509Certificate): boolean {
  if (!entry.checkIssued(issuer)) return false;
  try {
    return entry.verify(issuer.publicKey);
  } catch {
    // OpenSSL does not support the key of the issuer.
    return false;
  }
}

/** Whether the certificate is one of the roots, or was issued by one. */
function isRooted(entry: X509Certificate, roots: readonly Buffer[]): boolean {
  const { issuerName } = certificateFieldsOf(entry);
  // Parsing a root takes much longer than this search.
  return roots.some(
    (der) =>
      der.equals(entry.raw) ||
      (der.includes(issuerName) && isIssuedBy(entry, new X509Certificate(der))),
  );
}

const dersOf = (pems: readonly string[]): readonly Buffer[] =>
  pems.map((pem) => bytesOf(`${pem.trim()}\n`));

let bundled: readonly Buffer[] | undefined;
let system: readonly Buffer[] | undefined;

const KNOWN_ROOTS: KnownRoots = {
  bundled: () => (bundled ??= dersOf(getCACertificates("bundled"))),
  system: () => (system ??= dersOf(getCACertificates("system"))),
};
