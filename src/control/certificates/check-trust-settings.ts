import { derElements, firstElement, TAG } from "./der-reader.ts";
import { bytesOf } from "./parse-certificates.ts";
import type { PemBlock } from "./pem-blocks.ts";
import { sourceProblem } from "./source-problem.ts";

const REJECTED_TAG = 0xa0;

/**
 * `openssl x509 -addtrust` and `-addreject` write behind a CA certificate what it is trusted for. Engines would not be told,
 * so a CA with limited trust is refused rather than trusted for everything. Throws SourceProblem.
 */
export function checkTrustSettings(blocks: readonly PemBlock[], place: string): void {
  const limited = blocks.find(
    ({ label, pem }) => label === "TRUSTED CERTIFICATE" && isLimited(bytesOf(pem)),
  );
  if (limited === undefined) return;
  const message = `The CA certificate in line ${limited.line} has OpenSSL trust settings, which the director does not enforce.`;
  const hint =
    "Remove the settings with `openssl x509 -in FILE -out FILE`, or remove the CA from the file.";
  throw sourceProblem("ca-malformed", place, message, hint);
}

/** X509_CERT_AUX of OpenSSL: what it is trusted for, what it is rejected for, its alias, its key id. */
function isLimited(bytes: Buffer): boolean {
  const rest = bytes.subarray(firstElement(bytes).bytes.length);
  if (rest.length === 0) return false;
  return derElements(firstElement(rest).contents).some(
    ({ tag }) => tag === TAG.sequence || tag === REJECTED_TAG,
  );
}
