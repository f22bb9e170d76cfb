import { X509Certificate } from "node:crypto";
import { errorCodeOf } from "#model/error-code.ts";
import type { ProblemCode } from "#model/problem.ts";
import { DerError, firstElement } from "./der-reader.ts";
import { blockIn, isCertificateBlock, type PemBlock, type PemText } from "./pem-blocks.ts";
import { sourceProblem } from "./source-problem.ts";
import { firstUnusedOf, tryConversionHint } from "./unused-blocks.ts";

/** Returns the certificates of a file, in order. Throws SourceProblem with `code` if one is damaged or there is none. */
export function parseCertificates(
  file: PemText,
  place: string,
  code: ProblemCode,
): readonly [X509Certificate, ...X509Certificate[]] {
  checkClosed(file, place, code);
  const [first, ...rest] = file.blocks
    .filter(isCertificateBlock)
    .map((block, index) => parseBlock(block, index, place, code));
  if (first !== undefined) return [first, ...rest];
  const message = `There is no PEM certificate in the file.${firstUnusedOf(file, isCertificateBlock)}`;
  throw sourceProblem(code, place, message, tryConversionHint(file, "x509"));
}

/** `index` counts the certificates of the file. Throws SourceProblem with `code` if the certificate is damaged. */
export function parseBlock(
  block: PemBlock,
  index: number,
  place: string,
  code: ProblemCode,
): X509Certificate {
  try {
    return certificateOf(block);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const message = `Certificate ${index + 1} of the file, in line ${block.line}, is damaged.`;
    throw sourceProblem(code, place, message);
  }
}

export function checkClosed({ unclosed }: PemText, place: string, code: ProblemCode): void {
  if (unclosed === undefined) return;
  const message = `${blockIn(unclosed.label, unclosed.line)} is not closed.`;
  throw sourceProblem(code, place, message);
}

function certificateOf({ label, pem }: PemBlock): X509Certificate {
  if (label !== "TRUSTED CERTIFICATE") return new X509Certificate(pem);
  // The trust settings of OpenSSL follow the certificate.
  return new X509Certificate(firstElement(bytesOf(pem)).bytes);
}

export const bytesOf = (pem: string): Buffer =>
  Buffer.from(pem.split("\n").slice(1, -2).join(""), "base64");

/** Returns true if OpenSSL or the DER reader refused the bytes. Any other error is a bug in the director. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof DerError ||
  (error instanceof Error &&
    (OPENSSL_MESSAGE.test(error.message) || OPENSSL_CODE.test(errorCodeOf(error) ?? "")));

const OPENSSL_MESSAGE = /^error:[0-9A-F]{8}:/i;
const OPENSSL_CODE = /^ERR_(?:OSSL|SSL|CRYPTO)_|^ERR_MISSING_PASSPHRASE$/;
