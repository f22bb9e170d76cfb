import type { X509Certificate } from "node:crypto";
import type { PrivateKey } from "../read-private-key.ts";
import { sourceProblem, type SourceProblem } from "../source-problem.ts";
import { isSelfSigned, isSignedBy } from "./build-chain.ts";
import { subjectText, type FoundParts } from "./find-parts.ts";
import type { ImportNote } from "./import-note.ts";

export interface Pair {
  readonly leaf: X509Certificate;
  readonly key: PrivateKey;
  readonly others: readonly ImportNote[];
}

/** `pending` is the key of a request. Throws SourceProblem unless there is exactly one key with a certificate. */
export function choosePair(
  found: FoundParts,
  pending: PrivateKey | undefined,
  place: string,
): Pair {
  const { certificates } = found;
  const unused = unusedText(found);
  if (certificates.length === 0) {
    throw sourceProblem("certificate-missing", place, `No file holds a certificate.${unused}`);
  }
  const keys = new Map(
    [...found.keys, ...(pending === undefined ? [] : [pending])].map((key) => [key.pem, key]),
  );
  if (keys.size === 0) {
    throw sourceProblem("key-missing", place, `No file holds a private key.${unused}`);
  }
  const pairs = [...keys.values()].flatMap((key) => {
    const leaf = leafOf(certificates, key);
    return leaf === undefined ? [] : [{ key, leaf }];
  });
  const [pair, another] = pairs;
  if (pair === undefined) throw mismatchOf(certificates, [...keys.values()], found, place);
  if (another !== undefined) {
    const message = `The files hold several certificates with their keys: ${subjectText(pair.leaf)} and ${subjectText(another.leaf)}.`;
    throw sourceProblem("several-keys", place, message);
  }
  const others: ImportNote[] = found.keys
    .filter((key) => key.pem !== pair.key.pem)
    .map(({ keyType }) => ({
      kind: "key-left-out",
      message: `Another private key (${keyType}) belongs to no certificate of the files, and is left out.`,
    }));
  return { ...pair, others };
}

/** Returns a sentence about the first block that was not used, because it may be what is missing in another form. */
function unusedText({ warnings }: FoundParts): string {
  const first = warnings.find(({ code }) => code === "pem-not-used");
  return first === undefined ? "" : ` ${first.message}`;
}

/**
 * Returns the certificate for the key, or undefined if there is none. Of several, it is one that a CA has signed, and then the one that is
 * valid for longest. A certificate that has issued another one of the files is left out.
 */
function leafOf(
  certificates: readonly X509Certificate[],
  { key }: PrivateKey,
): X509Certificate | undefined {
  const rank = (certificate: X509Certificate): number =>
    (isSelfSigned(certificate) ? 0 : 1e15) + certificate.validToDate.getTime();
  return certificates
    .filter((certificate) => certificate.checkPrivateKey(key))
    .filter((certificate) => !isIssuer(certificate, certificates))
    .toSorted((one, other) => rank(other) - rank(one))[0];
}

const isIssuer = (certificate: X509Certificate, all: readonly X509Certificate[]): boolean =>
  certificate.ca &&
  all.some(
    (other) =>
      other !== certificate &&
      other.checkIssued(certificate) &&
      !isSelfSigned(other) &&
      isSignedBy(other, certificate),
  );

function mismatchOf(
  certificates: readonly X509Certificate[],
  keys: readonly PrivateKey[],
  found: FoundParts,
  place: string,
): SourceProblem {
  const authority = certificates.find((certificate) =>
    keys.some(({ key }) => certificate.checkPrivateKey(key)),
  );
  if (authority !== undefined) {
    const message = `The private key belongs to ${subjectText(authority)}, which has issued another certificate of the files.`;
    return sourceProblem("key-mismatch", place, message, "Import the key of the certificate.");
  }
  const [first] = certificates;
  const which =
    first === undefined || certificates.length > 1
      ? "any certificate of the files"
      : subjectText(first);
  if (found.keys.length === 0) {
    const message = `The key that the director made for the request does not belong to ${which}.`;
    const hint = "Have the CA sign the latest request, or import the key of the certificate too.";
    return sourceProblem("key-mismatch", place, message, hint);
  }
  const message = `The private key does not belong to ${which}.`;
  return sourceProblem(
    "key-mismatch",
    place,
    message,
    "Import the key for which the certificate was issued.",
  );
}
