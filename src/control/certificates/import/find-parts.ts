import type { X509Certificate } from "node:crypto";
import type { Problem } from "#model/failure.ts";
import { PROBLEMS, quoted, type ProblemCode } from "#model/problem.ts";
import type { KeyWork } from "../key-work.ts";
import { checkClosed, parseBlock } from "../parse-certificates.ts";
import {
  isCertificateBlock,
  isCurveBlock,
  isPrivateKeyBlock,
  parsePem,
  pemBlockOf,
  type PemBlock,
  type PemText,
} from "../pem-blocks.ts";
import { openPrivateKey, type PrivateKey } from "../read-private-key.ts";
import { SourceProblem, sourceProblem } from "../source-problem.ts";
import { unusedBlockWarnings } from "../unused-blocks.ts";
import { formatOf } from "./file-format.ts";
import type { ImportNote } from "./import-note.ts";

export interface ImportFile {
  /** How messages name the file, e.g. `shop.pem`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** The certificates and keys of all files, each once, in the order of the files. */
export interface FoundParts {
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly PrivateKey[];
  readonly warnings: readonly Problem[];
  readonly notes: readonly ImportNote[];
}

/** Enough for a bundle of all public CAs. */
const MAX_CERTIFICATES = 1_000;
const MAX_KEYS = 10;
/** Texts of other tools may hold much beside the PEM blocks, but not this much. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Finding {
  readonly passphrase: string | undefined;
  readonly place: string;
  readonly work: KeyWork;
  readonly certificates: Map<string, X509Certificate>;
  readonly keys: Map<string, PrivateKey>;
  readonly warnings: Problem[];
  readonly notes: ImportNote[];
}

/** Finds the certificates and keys in files. Throws SourceProblem. The message of the problem names the file. */
export async function findParts(
  files: readonly ImportFile[],
  options: Pick<Finding, "passphrase" | "place" | "work">,
): Promise<FoundParts> {
  const finding: Finding = {
    ...options,
    certificates: new Map(),
    keys: new Map(),
    warnings: [],
    notes: [],
  };
  for (const file of files) await inFile(file, () => findInFile(file, finding));
  return {
    certificates: [...finding.certificates.values()],
    keys: [...finding.keys.values()],
    warnings: finding.warnings,
    notes: finding.notes,
  };
}

/** Calls `work`. Adds the name of the file to a problem that it throws, and a hint that fits an import. */
async function inFile(file: ImportFile, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    const { problem, warnings } = error;
    const message = `${quoted(file.name)}: ${problem.message}`;
    const hint = PLAIN_NAME.test(file.name)
      ? hintOf(problem).replaceAll(" FILE", ` ${file.name}`)
      : hintOf(problem);
    throw new SourceProblem({ ...problem, message, hint }, warnings, error);
  }
}

/** A shell takes such a name as it is. */
const PLAIN_NAME = /^\w[\w.+-]*$/;

/** The hints of the catalogue for these codes are about settings of the document. */
const HINTS: Partial<Record<ProblemCode, string>> = {
  "key-encrypted": "Give its passphrase.",
  "bad-passphrase": "Check the passphrase.",
  "certificate-malformed": "Copy or export the file again.",
  "key-malformed":
    "Import one private key: RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519.",
};

function hintOf({ code, hint }: Problem): string {
  const entry = (PROBLEMS as Readonly<Record<string, { readonly hint: string }>>)[code];
  return hint === entry?.hint ? (HINTS[code as ProblemCode] ?? hint) : hint;
}

async function findInFile({ name, bytes }: ImportFile, finding: Finding): Promise<void> {
  const { place, passphrase, work } = finding;
  if (bytes.length > MAX_BYTES) {
    throw sourceProblem(
      "import-too-large",
      place,
      `It has more than ${MAX_BYTES / 1024 / 1024} MiB.`,
    );
  }
  const format = formatOf(bytes);
  switch (format.kind) {
    case "pem":
      return findInPem(parsePem(loosened(format.text)), finding);
    case "der":
      return takeBlocks([pemBlockOf(format.label, bytes)], finding);
    case "pkcs12": {
      const { readPkcs12 } = await import("./read-pkcs12.ts");
      const contents = readPkcs12(bytes, passphrase, place, work);
      if (!contents.hasMac) {
        const message = `${quoted(name)} has no MAC, so only the signatures of its certificates show that it is whole.`;
        finding.notes.push({ kind: "no-mac", message });
      }
      const certificates = contents.certificates.map((der) => pemBlockOf("CERTIFICATE", der));
      return takeBlocks([...certificates, ...contents.keys], finding);
    }
    case "other":
      throw sourceProblem("format-unsupported", place, `It is ${format.what}.`, format.hint);
    default:
      return format satisfies never;
  }
}

const LINE_END = /\r\n?|\\r\\n|\\n/g;
const BOUNDARY = /\n?(-----(?:BEGIN|END) [A-Z0-9 #]{1,64}-----)\n?/g;

/**
 * Puts each boundary of a PEM block on a line of its own. So blocks are found that are indented, quoted, have text on their line, are
 * joined without a line end, or are strings of JSON.
 */
const loosened = (text: string): string =>
  text
    .replaceAll(LINE_END, "\n")
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .replaceAll(BOUNDARY, (match: string, boundary: string, at: number) => {
      const isFirstLine = at === 0 && !match.startsWith("\n");
      return `${isFirstLine ? "" : "\n"}${boundary}\n`;
    });

function findInPem(file: PemText, finding: Finding): void {
  const { place, warnings } = finding;
  const isKey = file.unclosed?.label.endsWith("KEY") === true;
  checkClosed(file, place, isKey ? "key-malformed" : "certificate-malformed");
  const isUsed = (block: PemBlock): boolean =>
    isCertificateBlock(block) || isPrivateKeyBlock(block) || isCurveBlock(block);
  warnings.push(...unusedBlockWarnings(file, isUsed, place));
  takeBlocks(file.blocks, finding);
}

function takeBlocks(blocks: readonly PemBlock[], finding: Finding): void {
  const { place } = finding;
  for (const [index, block] of blocks.filter(isCertificateBlock).entries()) {
    takeCertificate(parseBlock(block, index, place, "certificate-malformed"), finding);
  }
  for (const block of blocks.filter(isPrivateKeyBlock)) takeKey(block, finding);
}

function takeCertificate(
  certificate: X509Certificate,
  { certificates, notes, place }: Finding,
): void {
  const { fingerprint256 } = certificate;
  if (certificates.has(fingerprint256)) {
    const message = `The certificate ${subjectText(certificate)} is there more than once, and used once.`;
    if (notes.length < MAX_CERTIFICATES) notes.push({ kind: "duplicate-left-out", message });
    return;
  }
  certificates.set(fingerprint256, certificate);
  if (certificates.size <= MAX_CERTIFICATES) return;
  const message = `There are more than ${MAX_CERTIFICATES} certificates.`;
  throw sourceProblem("import-too-large", place, message);
}

function takeKey(block: PemBlock, { passphrase, place, work, keys }: Finding): void {
  const key = openPrivateKey(block, passphrase, place, work);
  keys.set(key.pem, key);
  if (keys.size <= MAX_KEYS) return;
  throw sourceProblem("import-too-large", place, `There are more than ${MAX_KEYS} private keys.`);
}

/** Returns the subject of a certificate for a message. */
export function subjectText(certificate: X509Certificate): string {
  const { subject, serialNumber } = certificate as { subject?: string; serialNumber: string };
  return quoted(subject?.replaceAll("\n", ", ") ?? `with serial number ${serialNumber}`);
}
