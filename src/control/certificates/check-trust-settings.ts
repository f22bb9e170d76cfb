import { derElements, firstElement, TAG } from "./der-reader.ts";
import { bytesOf } from "./parse-certificates.ts";
import type { PemBlock } from "./pem-blocks.ts";
import { sourceProblem } from "./source-problem.ts";

const REJECTED_TAG = 0xa0;

/**
 * Refuses CA certificates with trust settings, which `openssl x509 -addtrust` and `-addreject` append. The engines ignore
 * these settings and would trust the CA for every purpose. Throws SourceProblem.
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

/** X509_CERT_AUX of OpenSSL holds the trusted uses, the rejected uses, an alias and a key id. */
function isLimited(bytes: Buffer): boolean {
  const rest = bytes.subarray(firstElement(bytes).bytes.length);
  if (rest.length === 0) return false;
  return derElements(firstElement(rest).contents).some(
    ({ tag }) => tag === TAG.sequence || tag === REJECTED_TAG,
  );
}
