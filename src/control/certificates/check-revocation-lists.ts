import type { X509Certificate } from "node:crypto";
import type { X509Certificate as PeculiarCertificate, X509Crl } from "@peculiar/x509";
import { problemOf, type ProblemCode } from "#model/problem.ts";
import type { PemBlock } from "./pem-blocks.ts";
import { SourceProblem } from "./read-source.ts";

/**
 * Both engines check every certificate of a client's chain, so each CA needs a list that is current and its own; with one
 * missing, every client of that CA would be refused (X509_V_ERR_UNABLE_TO_GET_CRL). Throws SourceProblem.
 */
export async function checkRevocationLists(
  blocks: readonly PemBlock[],
  authorities: readonly X509Certificate[],
  place: string,
  nowMs: number,
): Promise<void> {
  const failed = (code: ProblemCode, message: string): SourceProblem =>
    new SourceProblem(problemOf(code, place, message));
  // It needs the metadata API, costs 100 ms to load, and few documents name a revocation list.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const lists = blocks.map(({ pem }, index) => {
    try {
      return new x509.X509Crl(pem);
    } catch {
      throw failed("crl-malformed", `Revocation list ${index + 1} of the file is damaged.`);
    }
  });
  const issuers = authorities.map((authority) => new x509.X509Certificate(authority.raw));
  for (const list of lists) {
    if (list.nextUpdate !== undefined && list.nextUpdate.getTime() <= nowMs) {
      const due = list.nextUpdate.toISOString();
      throw failed(
        "crl-expired",
        `The revocation list of ${list.issuer} was due to be replaced at ${due}.`,
      );
    }
    const named = issuers.filter(({ subject }) => subject === list.issuer);
    if (named.length === 0) {
      throw failed(
        "crl-mismatch",
        `The revocation list of ${list.issuer} belongs to no CA of the policy.`,
      );
    }
    const verified = await Promise.all(named.map((issuer) => isSignedBy(list, issuer)));
    if (!verified.includes(true)) {
      throw failed(
        "crl-mismatch",
        `The revocation list of ${list.issuer} is not signed by that CA.`,
      );
    }
  }
  const missing = issuers.find(({ subject }) => !lists.some(({ issuer }) => issuer === subject));
  if (missing !== undefined) {
    const message = `The CA ${missing.subject} has no revocation list in the file, so all of its clients would be refused.`;
    throw failed("crl-mismatch", message);
  }
}

async function isSignedBy(list: X509Crl, issuer: PeculiarCertificate): Promise<boolean> {
  try {
    return await list.verify({ publicKey: issuer.publicKey });
  } catch {
    return false;
  }
}
