import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import type {
  Certificate,
  CertificateFacts,
  CertificateSourceKind,
  FilesCertificate,
} from "#model/document/certificate.ts";
import { isAllowed } from "#model/document/check-paths.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { frozen } from "#model/remembered.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import { controlModeOf } from "../control-mode.ts";
import { rotationProblems } from "../inventory/check-rotation.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { signatureOf } from "../read-bounded-file.ts";
import type { ReadFile } from "./file-reads.ts";
import type { KeptCertificates } from "./kept-certificates.ts";
import type { SourceFolders } from "./read-source.ts";
import { readCertificate } from "./read-certificate.ts";
import { readSystemTrust } from "./read-system-trust.ts";
import { readTrust, type TrustSource } from "./read-trust.ts";
import { sourceProblem } from "./source-problem.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type CertificateVersion,
  type SourceVersion,
  type TrustVersion,
} from "./sources.ts";
import { certificateTurnsMsOf, trustProblemsAt, trustTurnsMsOf } from "./validity.ts";
import { versionProblemsAt } from "./version-problems.ts";
import { OUTSIDE, type WatchedFiles } from "./watch-thread.ts";

export interface ReadVersion<Version extends SourceVersion> {
  readonly version: Version;
  readonly warnings: readonly Problem[];
  /** What `look` returned for the files that were read, or a text that `look` never returns if that is not known. */
  readonly looks: string;
}

/**
 * The source of the versions of one certificate or CA bundle of a document: a set of files, or the inventory of the director.
 * Certificates that are issued or ordered by ACME would be further implementations.
 */
export interface DocumentSource<Version extends SourceVersion> {
  readonly key: string;
  readonly kind: CertificateSourceKind;
  /** Its path in the document. */
  readonly place: string;
  /** Two sources with the same origin have the same versions. */
  readonly origin: string;
  /** The absolute paths of its files. There are none in the inventory. A file is undefined if it is outside of the allowed folders. */
  readonly files: WatchedFiles;
  /** Whether a sealed copy of the last good version is kept beside the files. */
  readonly keepsLastGood: boolean;
  /** Returns a text that changes if there may be a new version. It reads no file contents. */
  look(): Promise<string>;
  /** Throws SourceProblem. */
  read(reader: MaterialReader, readFile: ReadFile): Promise<ReadVersion<Version>>;
  /** Returns the problems of a version at a time. An error means that the version is not valid at that time. */
  problemsAt(version: Version, nowMs: number): readonly Problem[];
  /** Returns the times at which `problemsAt` may begin to return something else. */
  turnsMsOf(version: Version): readonly number[];
  /** Returns the problem of a version that the engine of the workers does not accept; `code` is the engine's error code. */
  engineProblem(version: Version, engine: string, code: string): Problem;
  /** Returns what clients lose if `after` takes the place of `before`. An error means that it must not. */
  lossesBetween(before: Compared<Version>, after: Compared<Version>): readonly Problem[];
}

/** What is compared of the versions of a certificate. Nothing is compared of CA bundles. */
export type Compared<Version> = Pick<Version, Extract<keyof Version, "facts">>;

/** What a source was made of. A source for the same is the same. */
interface Origin {
  readonly name: string;
  readonly folders: SourceFolders;
  readonly kept: KeptCertificates | undefined;
}

/** Certificates of documents are immutable, and the documents before and after a change have most of them in common. */
const knownSources = new WeakMap<
  Certificate,
  Origin & { readonly source: DocumentSource<CertificateVersion> }
>();

/** `kept` is undefined where no director is that keeps certificates, as in `tlsd check`. */
export const certificateSourcesOf = (
  document: Document,
  folders: SourceFolders,
  kept?: KeptCertificates,
): readonly DocumentSource<CertificateVersion>[] =>
  Object.entries(document.certificates).map(([name, certificate]) => {
    const known = knownSources.get(certificate);
    const isSame =
      known?.name === name &&
      known.kept === kept &&
      known.folders.folder === folders.folder &&
      known.folders.foldersOf === folders.foldersOf;
    if (isSame) return known.source;
    const source = certificateSourceOf(name, certificate, folders, kept);
    knownSources.set(frozen(certificate), { name, folders, kept, source });
    return source;
  });

function certificateSourceOf(
  name: string,
  certificate: Certificate,
  folders: SourceFolders,
  kept: KeptCertificates | undefined,
): DocumentSource<CertificateVersion> {
  const place = pathOf("certificates", name);
  const isOfFiles = certificate.source === "files";
  return {
    key: name,
    place,
    ...(isOfFiles
      ? certificateFilesOf(name, certificate, folders)
      : keptCertificateOf(name, place, kept)),
    problemsAt: (version, nowMs) =>
      versionProblemsAt(version, isOfFiles ? `${place}.chain` : place, nowMs),
    turnsMsOf: certificateTurnsMsOf,
    engineProblem: ({ bunRefusal }, engine, code) => {
      const message =
        bunRefusal === undefined
          ? `Engine ${engine} does not accept certificate ${name} (${code}).`
          : `Certificate ${name} has ${bunRefusal}, which engine ${engine} does not accept (${code}).`;
      return problemOf("engine-lacks-key", place, message);
    },
    // What replaces a version of the inventory has been compared before it was saved.
    lossesBetween: (before, after) =>
      certificate.source === "files"
        ? fileLosses(before.facts, after.facts, `${place}.chain`, certificate)
        : [],
  };
}

/** A rotation has options for what it may make worse. For files, they are in the document. */
function fileLosses(
  before: CertificateFacts,
  after: CertificateFacts,
  place: string,
  { allowFewerNames, allowOtherKeyType, allowWeakerKey }: FilesCertificate,
): readonly Problem[] {
  const losses = rotationProblems(before, after, place, {
    allowsFewerNames: allowFewerNames,
    allowsOtherKeyType: allowOtherKeyType,
    allowsWeakerKey: allowWeakerKey,
  });
  return losses.map((problem) => ({ ...problem, hint: FILE_HINTS[problem.code] ?? problem.hint }));
}

const FILE_HINTS: Readonly<Record<string, string>> = {
  "fewer-names":
    "Have it issued for all names, or allow it with `allowFewerNames: true` for the certificate.",
  "other-key-type":
    "Give it an entry of its own in the document, or allow it with `allowOtherKeyType: true` for the certificate.",
  "weaker-key":
    "Have it issued for a stronger key, or allow it with `allowWeakerKey: true` for the certificate.",
};

/** Where the versions of a certificate are. */
type CertificatePlace = Pick<
  DocumentSource<CertificateVersion>,
  "kind" | "origin" | "files" | "keepsLastGood" | "look" | "read"
>;

const certificateFilesOf = (
  name: string,
  certificate: FilesCertificate,
  folders: SourceFolders,
): CertificatePlace => ({
  kind: "files",
  ...filesOf(folders, filesOfCertificate(certificate), certificate.passphrase),
  keepsLastGood: certificate.keepLastGood,
  read: (reader, readFile) => readCertificate(name, certificate, { ...folders, readFile }, reader),
});

const keptCertificateOf = (
  name: string,
  place: string,
  kept: KeptCertificates | undefined,
): CertificatePlace => ({
  kind: "inventory",
  origin: `inventory ${name}`,
  files: [],
  keepsLastGood: false,
  look: (): Promise<string> => kept?.look(name) ?? Promise.resolve(UNKNOWN_LOOKS),
  read: (reader) => {
    if (kept !== undefined) return kept.readActive(name, place, reader);
    const message = `Certificate ${name} is in the inventory of a director and was not looked up.`;
    throw sourceProblem("not-looked-up", place, message);
  },
});

/** Returns one source for each pair of CA bundle and CRL, and one for the CA bundle of the system if a listener uses it. */
export function trustSourcesOf(
  document: Document,
  folders: SourceFolders,
): readonly DocumentSource<TrustVersion>[] {
  const byKey = new Map<string, TrustSource>();
  for (const source of [...policyTrustsOf(document), ...endpointTrustsOf(document)]) {
    const key = trustKeyOf(source.ca, source.crl);
    if (!byKey.has(key)) byKey.set(key, source);
  }
  const named = [...byKey].map(([key, source]): DocumentSource<TrustVersion> => {
    const { ca, crl, caPlace, crlPlace } = source;
    return {
      key,
      kind: "files",
      ...filesOf(folders, [ca, crl]),
      keepsLastGood: false,
      read: (reader, readFile) => readTrust(source, { ...folders, readFile }, reader),
      ...trustProblems(caPlace, crlPlace),
    };
  });
  const place = systemTrustPlaceOf(document);
  if (place === undefined) return named;
  const system: DocumentSource<TrustVersion> = {
    key: SYSTEM_TRUST_KEY,
    kind: "files",
    origin: "system",
    files: [],
    keepsLastGood: false,
    look: async () => UNKNOWN_LOOKS,
    read: async (reader) => ({
      version: await readSystemTrust(place, reader),
      warnings: [],
      looks: UNKNOWN_LOOKS,
    }),
    ...trustProblems(place, place),
  };
  return [...named, system];
}

/** `look` returns this for a source that cannot be watched. It is read again with each document. */
export const UNKNOWN_LOOKS = "";

const trustProblems = (
  ca: string,
  crl: string,
): Pick<
  DocumentSource<TrustVersion>,
  "place" | "problemsAt" | "turnsMsOf" | "engineProblem" | "lossesBetween"
> => ({
  place: ca,
  problemsAt: (version, nowMs) => trustProblemsAt(version, { ca, crl }, nowMs),
  turnsMsOf: trustTurnsMsOf,
  engineProblem: (_version, engine, code) =>
    problemOf(
      "ca-malformed",
      ca,
      `Engine ${engine} does not accept the CA certificates (${code}).`,
    ),
  lossesBetween: () => [],
});

function filesOf(
  { folder, foldersOf }: SourceFolders,
  paths: readonly (string | undefined)[],
  passphrase?: string,
): Pick<DocumentSource<SourceVersion>, "origin" | "files" | "look"> {
  const absolute = [
    ...new Set(paths.flatMap((path) => (path === undefined ? [] : [resolve(folder, path)]))),
  ];
  const origin = [...absolute, ...(passphrase === undefined ? [] : [hashOf(passphrase)])];
  const files = absolute.map((path) => (isAllowed(path, foldersOf(path)) ? path : undefined));
  return { origin: JSON.stringify(origin), files, look: () => lookAt(files) };
}

/** An origin may be shown, so it does not contain the passphrase. */
const hashOf = (passphrase: string): string =>
  createHash("sha256").update(passphrase).digest("base64url");

/** How a file looks if it or its folder does not exist. */
const ABSENT: readonly string[] = ["ENOENT", "ENOTDIR"];

/** Returns whether a file of a source was deleted. `looks` is what `look` of the source returned. */
export const lacksFile = (looks: string): boolean =>
  looks.split(" ").some((one) => ABSENT.includes(one));

/** Returns the files of a certificate in words, or undefined if it has none, or one outside of the allowed folders. */
export function tryFilesText({ files }: Pick<DocumentSource<SourceVersion>, "files">) {
  const paths = files.flatMap((path) => path ?? []);
  return paths.length === 0 || paths.length < files.length ? undefined : paths.join(", ");
}

async function lookAt(files: WatchedFiles): Promise<string> {
  const looks: string[] = [];
  for (const path of files) looks.push(path === undefined ? OUTSIDE : await lookAtFile(path));
  return looks.join(" ");
}

async function lookAtFile(path: string): Promise<string> {
  try {
    return signatureOf(await stat(path, { bigint: true }));
  } catch (error) {
    return errorCodeOf(error) ?? "unknown";
  }
}

const filesOfCertificate = ({
  chain,
  key,
  passphraseFile,
}: FilesCertificate): readonly (string | undefined)[] => [chain, key, passphraseFile];

function policyTrustsOf(document: Document): readonly TrustSource[] {
  return Object.entries(document.policies).flatMap(([name, { clientAuth }]) => {
    const { ca, crl } = clientAuth;
    if (ca === undefined) return [];
    const place = pathOf("policies", name, "clientAuth");
    return [{ ca, crl, caPlace: `${place}.ca`, crlPlace: `${place}.crl` }];
  });
}

function endpointTrustsOf(document: Document): readonly TrustSource[] {
  return listenersOf(document).flatMap(({ path, listener }) =>
    controlModeOf(listener)
      .endpointTrustsOf(listener)
      .flatMap((trust) => {
        if (trust.ca === undefined) return [];
        const caPlace = `${path}.${trust.path}`;
        return [{ ca: trust.ca, crl: undefined, caPlace, crlPlace: caPlace }];
      }),
  );
}

/** Returns the path of the first listener that verifies endpoints against the CA bundle of the system. */
function systemTrustPlaceOf(document: Document): string | undefined {
  for (const { path, listener } of listenersOf(document)) {
    for (const trust of controlModeOf(listener).endpointTrustsOf(listener)) {
      if (trust.ca === undefined) return `${path}.${trust.path}`;
    }
  }
  return undefined;
}
