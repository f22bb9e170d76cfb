/** Tells the formats of certificates and keys apart. */
import { derElements, DerError, firstElement, TAG, type DerElement } from "../der-reader.ts";

/** What the bytes of a file are. A label is that of the same bytes as PEM. */
export type FileFormat =
  | { readonly kind: "pem"; readonly text: string }
  | { readonly kind: "der"; readonly label: string }
  | { readonly kind: "pkcs12" }
  /** `what` completes "It is …". */
  | { readonly kind: "other"; readonly what: string; readonly hint?: string };

const LONG_FORM = 0x80;
const MAX_LENGTH_BYTES = 4;
const JAVA_STORES: Readonly<Record<string, string>> = {
  feedfeed: "a Java key store (JKS)",
  cececece: "a Java key store (JCEKS)",
};
const PKCS7_SIGNED = "2a864886f70d010702";
const PKCS12_VERSION = "3";

export function formatOf(bytes: Buffer): FileFormat {
  if (bytes.length === 0) return { kind: "other", what: "empty" };
  if (isDer(bytes)) return derFormatOf(bytes);
  const what = JAVA_STORES[bytes.subarray(0, 4).toString("hex")];
  if (what !== undefined) {
    const hint =
      "`keytool -importkeystore -srckeystore FILE -destkeystore NEW-FILE -deststoretype PKCS12` converts it to PKCS #12.";
    return { kind: "other", what, hint };
  }
  const text = textOf(bytes);
  if (text.includes("-----BEGIN")) return { kind: "pem", text };
  return { kind: "other", what: "neither PEM nor DER nor PKCS #12" };
}

/** Text is decoded as Latin-1, because PEM is ASCII, unless it has the byte order mark of UTF-16. */
function textOf(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString("hex");
  if (mark === "fffe") return bytes.toString("utf16le");
  if (mark === "feff" && bytes.length % 2 === 0) {
    return Buffer.from(bytes).swap16().toString("utf16le");
  }
  return bytes.toString("latin1");
}

/** Whether the bytes begin like a SEQUENCE. In text, the character "0" is not followed by such a length. */
function isDer(bytes: Buffer): boolean {
  const [tag, length = 0] = bytes;
  if (tag !== TAG.sequence) return false;
  if (length < LONG_FORM) return length + 2 === bytes.length;
  return length - LONG_FORM <= MAX_LENGTH_BYTES;
}

function derFormatOf(bytes: Buffer): FileFormat {
  // The length is not given. DER does not allow this, and only PKCS #12 and PKCS #7 are written in this way.
  if (bytes[1] === LONG_FORM) return bytes[2] === TAG.objectId ? PKCS7 : { kind: "pkcs12" };
  try {
    const whole = firstElement(bytes);
    if (whole.bytes.length < bytes.length) {
      return { kind: "other", what: "DER with further bytes after its end" };
    }
    return formatOfParts(derElements(whole.contents));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return isPkcs12Start(bytes)
      ? { kind: "pkcs12" }
      : { kind: "other", what: "DER that is damaged or cut off", hint: CUT_HINT };
  }
}

const CUT_HINT = "Copy the file again.";

/** A file that is cut off is PKCS #12 if its first number is version 3 (RFC 7292 section 4). */
function isPkcs12Start(bytes: Buffer): boolean {
  const at = 2 + Math.max(0, (bytes[1] ?? 0) - LONG_FORM);
  return bytes.subarray(at, at + 3).toString("hex") === "020103";
}

const PKCS7: FileFormat = {
  kind: "other",
  what: "PKCS #7",
  hint: "`openssl pkcs7 -inform DER -print_certs -in FILE -out PEM-FILE` extracts its certificates.",
};

/** The parts of the structures of RFC 5280, 5958, 8017, 5915 and 7292. */
function formatOfParts(parts: readonly DerElement[]): FileFormat {
  const [first, second, third] = parts;
  const tags = parts.map(({ tag }) => tag);
  if (first?.tag === TAG.objectId) {
    if (first.contents.toString("hex") === PKCS7_SIGNED) return PKCS7;
  }
  if (first?.tag === TAG.integer) {
    const version = first.contents.toString("hex").replace(/^0+(?=.)/, "");
    if (version === PKCS12_VERSION && second?.tag === TAG.sequence) return { kind: "pkcs12" };
    if (second?.tag === TAG.sequence && third?.tag === TAG.octetString) return der("PRIVATE KEY");
    if (second?.tag === TAG.octetString) return der("EC PRIVATE KEY");
    if (
      tags.length >= RSA_PARTS &&
      tags.every((tag) => tag === TAG.integer || tag === TAG.sequence)
    )
      return der("RSA PRIVATE KEY");
  }
  if (first?.tag === TAG.sequence && second?.tag === TAG.octetString && tags.length === 2) {
    return der("ENCRYPTED PRIVATE KEY");
  }
  if (first?.tag === TAG.sequence && second?.tag === TAG.sequence && third?.tag === TAG.bitString) {
    return isRequest(first) ? REQUEST : der("CERTIFICATE");
  }
  if (first?.tag === TAG.sequence && second?.tag === TAG.bitString) {
    return { kind: "other", what: "a public key", hint: "Import the private key instead." };
  }
  return { kind: "other", what: "DER of another kind" };
}

const der = (label: string): FileFormat => ({ kind: "der", label });

/** Version and eight numbers (RFC 8017 appendix A.1.2). */
const RSA_PARTS = 9;

const REQUEST: FileFormat = {
  kind: "other",
  what: "a certificate signing request",
  hint: "Send it to the CA, and import the certificate that comes back.",
};

/** In a request, the name of the subject follows the version at once (RFC 2986 section 4.1). */
function isRequest({ contents }: DerElement): boolean {
  const [version, subject, key, attributes] = derElements(contents);
  return (
    version?.tag === TAG.integer &&
    subject?.tag === TAG.sequence &&
    key?.tag === TAG.sequence &&
    (attributes === undefined || attributes.tag === ATTRIBUTES_TAG)
  );
}

const ATTRIBUTES_TAG = 0xa0;
