import type { X509Certificate } from "node:crypto";
import type { Problem } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
import { certificateFieldsOf } from "../certificate-fields.ts";
import { DerError } from "../der-reader.ts";
import { KeyWork } from "../key-work.ts";
import { parseCertificate, type ParsedCertificate } from "../parse-certificate.ts";
import { parseCertificates } from "../parse-certificates.ts";
import { parsePem } from "../pem-blocks.ts";
import { presentedNamesOf } from "../presented-names.ts";
import { readPrivateKey, type PrivateKey } from "../read-private-key.ts";
import { SourceProblem, sourceProblem } from "../source-problem.ts";
import { certificateProblemsAt } from "../validity.ts";
import { buildChain, isSelfSigned, isSignedBy, issuersOf, type ChainPart } from "./build-chain.ts";
import { findParts, subjectText, type FoundParts, type ImportFile } from "./find-parts.ts";
import type { ImportNote } from "./import-note.ts";

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
  /** Of an encrypted key or of PKCS #12. */
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
/** How many notes of one kind are listed. The others are counted. */
const MAX_NOTES = 10;

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
  const { leaf, key, others } = pairOf(found, pendingKeyOf(input), place);
  checkNames(leaf, place);
  const files = found.certificates.map((certificate) => ({ certificate, isFromFiles: true }));
  const parts = [...files, ...knownParts(input, found.certificates)];
  const built = buildChain({ certificate: leaf, isFromFiles: true }, parts, input.nowMs);
  checkChain(built.parts, files, place);
  const root = built.root?.isFromFiles === true ? built.root : undefined;
  const chain = root !== undefined && input.keepsRoot ? [...built.parts, root] : built.parts;
  const chainPem = chain.map(({ certificate }) => certificate.toString()).join("");
  checkSize(chain, place);
  const texts = { chain: chainPem, key: key.pem, passphrase: undefined };
  const { version, warnings } = parseCertificate(texts, { chain: place, key: place });
  return {
    version,
    warnings: [...found.warnings, ...warnings, ...checkPeriod(version, input)],
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

interface Pair {
  readonly leaf: X509Certificate;
  readonly key: PrivateKey;
  readonly others: readonly ImportNote[];
}

/** Throws SourceProblem unless there is exactly one key with a certificate. */
function pairOf(found: FoundParts, pending: PrivateKey | undefined, place: string): Pair {
  const { certificates } = found;
  if (certificates.length === 0) {
    throw sourceProblem("certificate-missing", place, "No file holds a certificate.");
  }
  const keys = new Map(
    [...found.keys, ...(pending === undefined ? [] : [pending])].map((key) => [key.pem, key]),
  );
  if (keys.size === 0) throw sourceProblem("key-missing", place, "No file holds a private key.");
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

/**
 * Returns the certificate for the key, or undefined if there is none. Of several, it is one that a CA has signed, and then the one that is
 * valid for longest. The certificate of a CA whose certificates are in the files is none.
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

/** A name with a control character may be read in two ways, such as `shop.example` with a NUL before `.attacker.example`. */
function checkNames(leaf: X509Certificate, place: string): void {
  const { dnsNames, commonNames } = certificateFieldsOf(leaf.raw);
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

/** Refuses files whose other certificates have nothing to do with the certificate, because they are from another one. */
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

function checkSize(chain: readonly ChainPart[], place: string): void {
  const bytes = chain.reduce((sum, { certificate }) => sum + certificate.raw.length, 0);
  if (bytes <= MAX_CHAIN_BYTES) return;
  const message = `The chain has ${Math.ceil(bytes / 1024)} KiB; clients with OpenSSL or BoringSSL refuse more than ${MAX_CHAIN_BYTES / 1024} KiB.`;
  throw sourceProblem("chain-too-large", place, message);
}

/** Returns the warnings of the time. Throws SourceProblem if the certificate is not valid. */
function checkPeriod(
  version: ParsedCertificate["version"],
  { place, nowMs, allowsNotYetValid }: ImportInput,
): readonly Problem[] {
  return certificateProblemsAt(version, place, nowMs).map((problem) => {
    if (problem.severity === "warning") return problem;
    if (problem.code !== "certificate-not-yet-valid" || !allowsNotYetValid) {
      throw new SourceProblem(problem);
    }
    return { ...problem, severity: "warning" };
  });
}

function nameNotes(leaf: X509Certificate): readonly ImportNote[] {
  const fields = certificateFieldsOf(leaf.raw);
  const used = new Set(presentedNamesOf(fields));
  return fields.dnsNames
    .filter((name) => !used.has(name.toLowerCase().replace(/\.$/, "")))
    .map((name) => ({
      kind: "name-left-out",
      message: `${quoted(name)} is not a DNS name, so the certificate is not served for it.`,
    }));
}

function chainNotes(
  chain: readonly ChainPart[],
  files: readonly ChainPart[],
  root: ChainPart | undefined,
): readonly ImportNote[] {
  const inChain = new Set(chain.map(({ certificate }) => certificate));
  const left = files.filter(({ certificate }) => !inChain.has(certificate));
  const notes = left.map(({ certificate }): ImportNote =>
    certificate === root?.certificate || isSelfSigned(certificate)
      ? {
          kind: "root-left-out",
          message: `The root ${subjectText(certificate)} is left out, because clients have it.`,
        }
      : {
          kind: "unrelated-left-out",
          message: `${subjectText(certificate)} is left out, because the chain does not need it.`,
        },
  );
  const added = chain.filter(({ isFromFiles }) => !isFromFiles);
  const used = files.filter(({ certificate }) => inChain.has(certificate));
  const isSorted = used.every(({ certificate }, at) => chain[at]?.certificate === certificate);
  return [
    ...notes,
    ...added.map(({ certificate }): ImportNote => ({
      kind: "chain-completed",
      message: `${subjectText(certificate)} is added to the chain. The director has it from another certificate.`,
    })),
    ...(isSorted
      ? []
      : [{ kind: "chain-sorted", message: "The certificates are sorted into a chain." } as const]),
  ];
}

/** A bundle of CAs would otherwise make a note for each of them. */
function boundedNotes(notes: readonly ImportNote[]): readonly ImportNote[] {
  const byKind = Map.groupBy(notes, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, all]) => [
    ...all.slice(0, MAX_NOTES),
    ...(all.length <= MAX_NOTES
      ? []
      : [{ kind, message: `The same is so for ${all.length - MAX_NOTES} more.` }]),
  ]);
}
