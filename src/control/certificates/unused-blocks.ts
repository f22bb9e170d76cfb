import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { blockIn, type PemBlock, type PemText } from "./pem-blocks.ts";

/** How many unused blocks are listed. Further blocks are only counted. */
const MAX_NAMED = 10;

const EXPLANATIONS: Readonly<Record<string, string>> = {
  "CERTIFICATE REQUEST": "it is a certificate signing request, not a certificate",
  "NEW CERTIFICATE REQUEST": "it is a certificate signing request, not a certificate",
  "OPENSSH PRIVATE KEY":
    "only OpenSSH reads this format; `ssh-keygen -p -m PKCS8 -f FILE` converts the key",
  PKCS7: "`openssl pkcs7 -print_certs -in FILE` extracts its certificates",
  "PKCS #7 SIGNED DATA": "`openssl pkcs7 -print_certs -in FILE` extracts its certificates",
  CMS: "`openssl cms -verify -noverify -certsout` extracts its certificates",
  "DH PARAMETERS": "the director uses only cipher suites with ECDHE",
  "PUBLIC KEY": "the certificate holds the public key",
};

interface Unused {
  readonly label: string;
  readonly line: number;
  readonly reason: string;
}

/** Returns a warning for each `-----BEGIN` of a file that was not used. */
export function unusedBlockWarnings(
  { blocks, strays }: PemText,
  isUsed: (block: PemBlock) => boolean,
  place: string,
): readonly Problem[] {
  const unused = unusedOf(blocks, strays, isUsed);
  const named = unused.slice(0, MAX_NAMED);
  const left = unused.length - named.length;
  return [
    ...named.map((one) => problemOf("pem-not-used", place, `${sentenceOf(one)}.`)),
    ...(left === 0
      ? []
      : [problemOf("pem-not-used", place, `${left} more PEM blocks of the file are not used.`)]),
  ];
}

/** Returns a sentence that may explain why a file contains no usable block, or "" if there is no such explanation. */
export function firstUnusedOf(
  { blocks, strays, encoding }: PemText,
  isUsed: (block: PemBlock) => boolean,
): string {
  const [first] = unusedOf(blocks, strays, isUsed);
  if (first !== undefined) return ` ${sentenceOf(first)}.`;
  return encoding === undefined ? "" : ` The file is ${encoding}, not PEM.`;
}

/** Returns a hint with a command that converts the file to PEM, or undefined if there is no such command. */
export function tryConversionHint(
  { encoding }: PemText,
  kind: "x509" | "pkey" | "crl",
): string | undefined {
  if (encoding === "DER")
    return `\`openssl ${kind} -inform DER -in FILE -out PEM-FILE\` converts it.`;
  if (encoding === "PKCS #12") {
    return "`openssl pkcs12 -in FILE -nodes -out PEM-FILE` extracts the certificates and the key.";
  }
  return encoding === "UTF-16"
    ? "Save it as ASCII or UTF-8: `iconv -f UTF-16 -t UTF-8 FILE` converts it."
    : undefined;
}

function unusedOf(
  blocks: PemText["blocks"],
  strays: PemText["strays"],
  isUsed: (block: PemBlock) => boolean,
): readonly Unused[] {
  const others = blocks
    .filter((block) => !isUsed(block))
    .map(({ label, line }) => ({ label, line, reason: EXPLANATIONS[label] ?? "" }));
  return [...others, ...strays].toSorted((one, other) => one.line - other.line);
}

function sentenceOf({ label, line, reason }: Unused): string {
  return `${blockIn(label, line)} is not used${reason === "" ? "" : `: ${reason}`}`;
}
