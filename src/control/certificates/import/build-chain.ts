import type { X509Certificate } from "node:crypto";
import { isRefusal } from "../parse-certificates.ts";

/** A certificate that may be part of a chain. */
export interface ChainPart {
  readonly certificate: X509Certificate;
  /** False for an intermediate of other certificates that the director has. */
  readonly isFromFiles: boolean;
}

export interface BuiltChain {
  /** The leaf first, without the root. */
  readonly parts: readonly ChainPart[];
  /** The root at which the chain ends, if it is among the parts. */
  readonly root: ChainPart | undefined;
  /** Whether the chain goes on after the longest that is built. */
  readonly isCut: boolean;
}

/** Longer than any chain of a public CA. */
export const MAX_CHAIN_LENGTH = 10;

/**
 * Builds the chain in which each certificate is signed by the next. Where several certificates could follow, one that is valid now is
 * preferred, then one of the files, then one that is no root, then the first. So a certificate that two CAs have signed is sent with the
 * signature that the operator chose. A certificate is not added if its issuer is in the chain already, because the chain would then be a loop.
 */
export function buildChain(
  leaf: ChainPart,
  parts: readonly ChainPart[],
  nowMs: number,
): BuiltChain {
  const chain = [leaf];
  let last = leaf;
  while (!isSelfSigned(last.certificate)) {
    const next = issuersOf(last.certificate, parts)
      .filter((part) => isSelfIssued(part.certificate) || !isLoop(part, chain))
      .toSorted((one, other) => rankOf(one, nowMs) - rankOf(other, nowMs))
      .find(({ certificate }) => isSignedBy(last.certificate, certificate));
    if (next === undefined || chain.includes(next)) break;
    if (isSelfSigned(next.certificate)) return { parts: chain, root: next, isCut: false };
    if (chain.length === MAX_CHAIN_LENGTH) return { parts: chain, root: undefined, isCut: true };
    chain.push(next);
    last = next;
  }
  return { parts: chain, root: undefined, isCut: false };
}

/** Returns the CAs that the certificate may be from by their names and key identifiers. Signatures are not verified. */
export const issuersOf = (
  certificate: X509Certificate,
  parts: readonly ChainPart[],
): readonly ChainPart[] =>
  parts.filter(
    (part) => part.certificate !== certificate && certificate.checkIssued(part.certificate),
  );

/** Returns true if `issuer` is a CA and its key has signed the certificate. */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return (issuer.ca || isSelfIssued(issuer)) && certificate.verify(issuer.publicKey);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

export const isSelfSigned = (certificate: X509Certificate): boolean =>
  isSelfIssued(certificate) && isSignedBy(certificate, certificate);

const isSelfIssued = (certificate: X509Certificate): boolean =>
  certificate.checkIssued(certificate);

const isLoop = ({ certificate }: ChainPart, chain: readonly ChainPart[]): boolean =>
  chain.some((part) => certificate.checkIssued(part.certificate));

/** Returns a number that is lower for a better issuer. */
function rankOf({ certificate, isFromFiles }: ChainPart, nowMs: number): number {
  const isValid =
    certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime();
  return (isValid ? 0 : 4) + (isFromFiles ? 0 : 2) + (isSelfIssued(certificate) ? 1 : 0);
}
