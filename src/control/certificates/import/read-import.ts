import type { X509Certificate } from "node:crypto";
import type { Problem } from "#model/failure.ts";
import { isError, quoted } from "#model/problem.ts";
import { certificateFieldsOf } from "../certificate-fields.ts";
import { DerError } from "../der-reader.ts";
import { KeyWork } from "../key-work.ts";
import { checkFlaw, parseCertificate, type ParsedCertificate } from "../parse-certificate.ts";
import { parseCertificates } from "../parse-certificates.ts";
import { parsePem } from "../pem-blocks.ts";
import { proveKey } from "../prove-key.ts";
import { readPrivateKey, type PrivateKey } from "../read-private-key.ts";
import { SourceProblem, sourceProblem } from "../source-problem.ts";
import { versionProblemsAt } from "../version-problems.ts";
import {
  buildChain,
  isSelfSigned,
  isSignedBy,
  issuersOf,
  MAX_CHAIN_LENGTH,
  type BuiltChain,
  type ChainPart,
} from "./build-chain.ts";
import { choosePair } from "./choose-pair.ts";
import { findParts, subjectText, type ImportFile } from "./find-parts.ts";
import type { ImportNote } from "./import-note.ts";
import { boundedNotes, chainNotes, nameNotes } from "./write-notes.ts";

export interface ImportOptions {
  /** The path of the certificate in problems, e.g. `certificates.shop`. */
  readonly place: string;
  /** Whether a root in the files stays at the end of the chain. */
  readonly keepsRoot: boolean;
  /** Whether a certificate that is not valid yet is a warning and no error. */
  readonly allowsNotYetValid: boolean;
  readonly nowMs: number;
}

export interface ImportInput extends ImportOptions {
  readonly files: readonly ImportFile[];
  /** The passphrase of an encrypted key or of a PKCS #12 file. */
  readonly passphrase: string | undefined;
  /** The PKCS #8 PEM of a key that the director has made for a request. It is used if the certificate is for it. */
  readonly pendingKeyPem: string | undefined;
  /** The intermediates of the director's other certificates, as PEM, or "". */
  readonly intermediatesPem: string;
}

export interface ReadImport extends ParsedCertificate {
  readonly notes: readonly ImportNote[];
}

/** Longer Certificate messages are refused by clients with OpenSSL or BoringSSL. */
const MAX_CHAIN_BYTES = 100 * 1024;
/** No public CA issues a certificate with more names. */
const MAX_NAMES = 2_000;
/**
 * Finds the key and its certificate among the files, sorts and completes the chain, and checks that all of it can be served. May take
 * long for hostile files, but the cost of decryption is limited. Throws SourceProblem.
 */
export async function readImport(input: ImportInput): Promise<ReadImport> {
  try {
    return await read(input);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = "A certificate is damaged.";
    const { problem } = sourceProblem("certificate-malformed", input.place, message, DAMAGE_HINT);
    throw new SourceProblem(problem, [], error);
  }
}

const DAMAGE_HINT = "Copy or export its file again.";

async function read(input: ImportInput): Promise<ReadImport> {
  const { place, passphrase } = input;
  const found = await findParts(input.files, { place, passphrase, work: new KeyWork() });
  const { leaf, key, others } = choosePair(found, pendingKeyOf(input), place);
  checkFlaw(certificateFieldsOf(leaf), place);
  checkNames(leaf, place);
  proveKey(leaf, key, place);
  const files = found.certificates.map((certificate) => ({ certificate, isFromFiles: true }));
  const parts = [...files, ...knownParts(input, found.certificates)];
  const built = buildChain({ certificate: leaf, isFromFiles: true }, parts, input.nowMs);
  checkChain(built.parts, files, place);
  checkLength(built, place);
  const root = built.root?.isFromFiles === true ? built.root : undefined;
  const chain = root !== undefined && input.keepsRoot ? [...built.parts, root] : built.parts;
  const chainPem = chain.map(({ certificate }) => certificate.toString()).join("");
  checkSize(chain, place);
  const texts = { chain: chainPem, key: key.pem, passphrase: undefined };
  const { version, warnings } = parseCertificate(texts, { chain: place, key: place });
  return {
    version,
    warnings: [...found.warnings, ...warnings, ...checkVersion(version, input, built)],
    notes: boundedNotes([
      ...found.notes,
      ...others,
      ...nameNotes(leaf),
      ...chainNotes(chain, files, root),
    ]),
  };
}

const pendingKeyOf = ({ pendingKeyPem, place }: ImportInput): PrivateKey | undefined =>
  pendingKeyPem === undefined
    ? undefined
    : readPrivateKey(parsePem(pendingKeyPem), undefined, place);

/** A name with a control character may be read in two ways, such as `shop.example` with a NUL before `.attacker.example`. */
function checkNames(leaf: X509Certificate, place: string): void {
  const { dnsNames, commonNames } = certificateFieldsOf(leaf);
  const bad = [...dnsNames, ...commonNames].find((name) => CONTROL.test(name));
  if (bad !== undefined) {
    const message = `The certificate has the name ${quoted(bad)}, which contains a control character.`;
    throw sourceProblem("name-malformed", place, message);
  }
  if (dnsNames.length <= MAX_NAMES) return;
  const message = `The certificate has ${dnsNames.length} names, more than ${MAX_NAMES}.`;
  throw sourceProblem("too-many-names", place, message);
}

// eslint-disable-next-line no-control-regex -- these are searched for
const CONTROL = /[\0-\x1f\x7f]/;

/** Returns the intermediates that the director has and the files do not. */
function knownParts(
  { intermediatesPem, place }: ImportInput,
  files: readonly X509Certificate[],
): readonly ChainPart[] {
  if (intermediatesPem === "") return [];
  const seen = new Set(files.map(({ fingerprint256 }) => fingerprint256));
  return parseCertificates(parsePem(intermediatesPem), place, "certificate-malformed")
    .filter((certificate) => !seen.has(certificate.fingerprint256) && !isSelfSigned(certificate))
    .map((certificate) => ({ certificate, isFromFiles: false }));
}

/** Refuses the files if they have other certificates and none of those has issued the certificate. */
function checkChain(chain: readonly ChainPart[], files: readonly ChainPart[], place: string): void {
  const [leaf] = chain;
  if (leaf === undefined || chain.length > 1) return;
  const others = files.filter((part) => part.certificate !== leaf.certificate);
  if (others.length === 0 || isSelfSigned(leaf.certificate)) return;
  const named = issuersOf(leaf.certificate, others);
  const [first] = named;
  if (named.some((part) => isSignedBy(leaf.certificate, part.certificate))) return;
  const issuer = quoted(leaf.certificate.issuer?.replaceAll("\n", ", "));
  const message =
    first === undefined
      ? `None of the other certificates of the files has issued ${subjectText(leaf.certificate)}; its issuer is ${issuer}.`
      : first.certificate.ca
        ? `${subjectText(first.certificate)} has the name of the issuer, but its key has not signed the certificate.`
        : `${subjectText(first.certificate)} has the name of the issuer, but is not the certificate of a CA.`;
  throw sourceProblem("chain-mismatch", place, message);
}

/** A chain that was cut off would be served without the rest. */
function checkLength({ isCut }: BuiltChain, place: string): void {
  if (!isCut) return;
  const message = `The chain has more than ${MAX_CHAIN_LENGTH} certificates.`;
  const hint = "Have the certificate issued by a CA that is closer to its root.";
  throw sourceProblem("chain-too-large", place, message, hint);
}

function checkSize(chain: readonly ChainPart[], place: string): void {
  const bytes = chain.reduce((sum, { certificate }) => sum + certificate.raw.length, 0);
  if (bytes <= MAX_CHAIN_BYTES) return;
  const message = `The chain has ${Math.ceil(bytes / 1024)} KiB; clients with OpenSSL or BoringSSL refuse more than ${MAX_CHAIN_BYTES / 1024} KiB.`;
  throw sourceProblem("chain-too-large", place, message);
}

/** Returns the warnings about what was made of the files. Throws SourceProblem if the certificate is not valid. */
function checkVersion(
  version: ParsedCertificate["version"],
  { place, nowMs, allowsNotYetValid }: ImportInput,
  { root }: BuiltChain,
): readonly Problem[] {
  const problems = versionProblemsAt(version, place, nowMs);
  const refusal = problems.find(
    (problem) =>
      isError(problem) && !(allowsNotYetValid && problem.code === "certificate-not-yet-valid"),
  );
  if (refusal !== undefined) throw new SourceProblem(refusal);
  return (
    problems
      // A root of the files shows that the chain is complete, although this machine does not know the root.
      .filter(({ code }) => code !== "chain-incomplete" || root === undefined)
      .map((problem) => ({ ...problem, severity: "warning" }))
  );
}
