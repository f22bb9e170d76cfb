import type { X509Certificate } from "node:crypto";
import { subjectOf } from "./certificate-fields.ts";
import { DerError } from "./der-reader.ts";
import { bytesOf } from "./parse-certificates.ts";
import type { PemBlock } from "./pem-blocks.ts";
import { parseRevocationList, type RevocationList } from "./revocation-list.ts";
import { sourceProblem } from "./source-problem.ts";
import type { TrustValidity } from "./sources.ts";

/**
 * Checks that each CA has a revocation list. Both engines look up every certificate of a client's chain and refuse the client
 * if a list is missing (X509_V_ERR_UNABLE_TO_GET_CRL). Returns the issuers of the lists, and when each list must be replaced.
 * Throws SourceProblem.
 */
export function checkRevocationLists(
  blocks: readonly PemBlock[],
  authorities: readonly X509Certificate[],
  place: string,
): TrustValidity["lists"] {
  const lists = blocks.map((block, index) => parseList(block, index, place));
  const issuers = Map.groupBy(
    authorities.map((authority) => ({ authority, subject: subjectOf(authority.raw) })),
    ({ subject }) => subject.key,
  );
  for (const list of lists) checkList(list, issuers.get(list.issuer.key) ?? [], place);
  const listed = new Set(lists.map(({ issuer }) => issuer.key));
  for (const [key, [named]] of issuers) {
    if (listed.has(key)) continue;
    const message = `The CA ${named?.subject.text} has no revocation list in the file, so every client of this CA would be refused.`;
    throw sourceProblem("crl-mismatch", place, message);
  }
  return lists.map(({ issuer, thisUpdateMs, nextUpdateMs }) => ({
    issuer: issuer.text,
    thisUpdateMs,
    ...(nextUpdateMs === undefined ? {} : { nextUpdateMs }),
  }));
}

function checkList(
  list: RevocationList,
  named: readonly { readonly authority: X509Certificate }[],
  place: string,
): void {
  const what = `The revocation list of ${list.issuer.text}`;
  if (named.length === 0) {
    throw sourceProblem("crl-mismatch", place, `${what} belongs to no CA of the policy.`);
  }
  if (!named.some(({ authority }) => list.isSignedBy(authority.publicKey))) {
    throw sourceProblem("crl-mismatch", place, `${what} is not signed by that CA.`);
  }
}

function parseList({ pem, line }: PemBlock, index: number, place: string): RevocationList {
  try {
    return parseRevocationList(bytesOf(pem));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = `Revocation list ${index + 1} of the file, in line ${line}, is damaged.`;
    throw sourceProblem("crl-malformed", place, message);
  }
}
