import type { Problem } from "#model/failure.ts";
import { parseCertificate, type ParsedCertificate } from "../certificates/parse-certificate.ts";
import { SourceProblem } from "../certificates/source-problem.ts";
import type { ParsedText } from "../parse-document-value.ts";
import { SyntaxProblem } from "../syntax-problem.ts";
import type { Outcome, ReaderJob, Replies } from "./jobs.ts";

export interface Answer {
  readonly outcome: Outcome;
  readonly parts?: readonly Uint8Array[];
}

/** Does one job. Modules that only some jobs need are loaded by those. Rejects only if the program has a mistake. */
export async function work(job: ReaderJob, files: readonly Buffer[]): Promise<Answer> {
  try {
    switch (job.kind) {
      case "document":
        return await onText((file) => documentAnswer(job.format, file), files);
      case "places":
        return await onText((file) => placesAnswer(job.problems, file), files);
      case "json":
        return await onText(jsonAnswer, files);
      case "certificate":
        return readCertificate(job, files);
      case "import":
        return await importCertificate(job, files);
      case "trust":
        return await readTrust(job, files);
      case "system-trust":
        return await readSystemTrust();
      default:
        return job satisfies never;
    }
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    return { outcome: { refused: [error.problem, ...error.warnings] } };
  }
}

/** PEM is ASCII. Bytes above it become characters that are not allowed in a PEM block. */
const textOf = (file: Buffer | undefined): string => (file ?? Buffer.alloc(0)).toString("latin1");
const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

function readCertificate(
  { has, places }: Extract<ReaderJob, { readonly kind: "certificate" }>,
  [chain, key, passphrase]: readonly Buffer[],
): Answer {
  const texts = {
    chain: textOf(chain),
    key: has.key ? textOf(key) : undefined,
    passphrase: has.passphrase ? textOf(passphrase) : undefined,
  };
  const parsed = parseCertificate(texts, places);
  return { outcome: { reply: replyOf(parsed) }, parts: pemPartsOf(parsed) };
}

async function importCertificate(
  { names, hasPassphrase, options }: Extract<ReaderJob, { readonly kind: "import" }>,
  [passphrase, pendingKey, intermediates, ...files]: readonly Buffer[],
): Promise<Answer> {
  const { readImport } = await import("../certificates/import/read-import.ts");
  const pendingKeyPem = textOf(pendingKey);
  const read = await readImport({
    ...options,
    files: files.map((bytes, at) => ({ name: names[at] ?? "", bytes })),
    passphrase: hasPassphrase ? passphrase?.toString("utf8") : undefined,
    pendingKeyPem: pendingKeyPem === "" ? undefined : pendingKeyPem,
    intermediatesPem: textOf(intermediates),
  });
  const reply: Replies["import"] = { ...replyOf(read), notes: [...read.notes] };
  return { outcome: { reply }, parts: pemPartsOf(read) };
}

function replyOf({ version, warnings }: ParsedCertificate): Replies["certificate"] {
  const { id, facts, signing, bunRefusal, isForServers, chain } = version;
  return {
    id,
    facts,
    signing,
    warnings,
    isForServers,
    chain,
    ...(bunRefusal === undefined ? {} : { bunRefusal }),
  };
}

const pemPartsOf = ({ version: { material } }: ParsedCertificate): readonly Uint8Array[] => [
  bytesOf(material.chainPem),
  bytesOf(material.keyPem),
];

async function readTrust(
  { has, places }: Extract<ReaderJob, { readonly kind: "trust" }>,
  [ca, crl]: readonly Buffer[],
): Promise<Answer> {
  const { parseTrust } = await import("../certificates/parse-trust.ts");
  const texts = { ca: textOf(ca), crl: has.crl ? textOf(crl) : undefined };
  const { version, warnings } = parseTrust(texts, places);
  const { id, validity, unrootedCa, material } = version;
  const { caPem, crlPem } = material;
  const reply: Replies["trust"] = {
    id,
    validity,
    warnings,
    ...(unrootedCa === undefined ? {} : { unrootedCa }),
  };
  return {
    outcome: { reply },
    parts: [bytesOf(caPem), bytesOf(crlPem ?? "")],
  };
}

async function readSystemTrust(): Promise<Answer> {
  const { readSystemAuthorities } = await import("../certificates/parse-trust.ts");
  const version = readSystemAuthorities();
  const reply: Replies["system-trust"] = { id: version?.id ?? "" };
  return {
    outcome: { reply },
    parts: [bytesOf(version?.material.caPem ?? "")],
  };
}

async function jsonAnswer(file: Uint8Array): Promise<Answer> {
  const { parseJson } = await import("../parse-json.ts");
  const value = parseJson(file);
  const json = JSON.stringify(value) ?? "";
  const reply: Replies["json"] = { isEmpty: value === undefined };
  return { outcome: { reply }, parts: [Buffer.from(json)] };
}

async function documentAnswer(format: DocumentFormat, file: Buffer): Promise<Answer> {
  const { json, writtenJson, isValid, problems } = await documentOf(format, file);
  const reply: Replies["document"] = { isValid, problems };
  return { outcome: { reply }, parts: [Buffer.from(json), Buffer.from(writtenJson)] };
}

type DocumentFormat = Extract<ReaderJob, { readonly kind: "document" }>["format"];

async function documentOf(format: DocumentFormat, file: Buffer): Promise<ParsedText> {
  if (format === "yaml") {
    const { parseDocumentText } = await import("../parse-document-text.ts");
    return parseDocumentText(file);
  }
  const { parseDocumentValue } = await import("../parse-document-value.ts");
  return parseDocumentValue(JSON.parse(String(file)), format === "stored");
}

async function placesAnswer(problems: readonly Problem[], file: Uint8Array): Promise<Answer> {
  const { locateInText } = await import("../parse-document-text.ts");
  return { outcome: { reply: { problems: [...locateInText(problems, file)] } } };
}

/** Answers with the place of the mistake if the text is neither YAML nor JSON. */
async function onText(
  answer: (file: Buffer) => Promise<Answer>,
  [file = Buffer.alloc(0)]: readonly Buffer[],
): Promise<Answer> {
  try {
    return await answer(file);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    return { outcome: { unreadable: error.message, ...error.position } };
  }
}
