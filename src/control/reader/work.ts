import type { Problem } from "#model/failure.ts";
import { parseCertificate } from "../certificates/parse-certificate.ts";
import { parseTrust, readSystemAuthorities } from "../certificates/parse-trust.ts";
import { SourceProblem } from "../certificates/source-problem.ts";
import type { Job, Outcome } from "./jobs.ts";

export interface Answer {
  readonly outcome: Outcome;
  readonly parts?: readonly Uint8Array[];
}

/** Does one job. Rejects only where the program has a mistake. */
export async function work(job: Job, files: readonly Buffer[]): Promise<Answer> {
  if (job.kind === "document") return readDocument(files);
  try {
    switch (job.kind) {
      case "certificate":
        return readCertificate(job, files);
      case "trust":
        return readTrust(job, files);
      case "system-trust":
        return readSystemTrust();
      default:
        return job satisfies never;
    }
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    return { outcome: { refused: [error.problem, ...error.warnings] } };
  }
}

/** PEM is ASCII; what is not shows as characters that no block has. */
const textOf = (file: Buffer | undefined): string => (file ?? Buffer.alloc(0)).toString("latin1");
const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

function readCertificate(
  { has, places, nowMs }: Extract<Job, { readonly kind: "certificate" }>,
  [chain, key, passphrase]: readonly Buffer[],
): Answer {
  const texts = {
    chain: textOf(chain),
    key: has.key ? textOf(key) : undefined,
    passphrase: has.passphrase ? textOf(passphrase) : undefined,
  };
  const { version, warnings } = parseCertificate(texts, places, nowMs);
  const { id, facts, signing, bunRefusal, material } = version;
  const reply = {
    id,
    facts,
    signing,
    warnings,
    ...(bunRefusal === undefined ? {} : { bunRefusal }),
  };
  return {
    outcome: { reply },
    parts: [bytesOf(material.chainPem), bytesOf(material.keyPem)],
  };
}

function readTrust(
  { has, places, nowMs }: Extract<Job, { readonly kind: "trust" }>,
  [ca, crl]: readonly Buffer[],
): Answer {
  const texts = { ca: textOf(ca), crl: has.crl ? textOf(crl) : undefined };
  const { version, warnings } = parseTrust(texts, places, nowMs);
  const { caPem, crlPem } = version.material;
  return {
    outcome: { reply: { id: version.id, warnings } },
    parts: [bytesOf(caPem), bytesOf(crlPem ?? "")],
  };
}

function readSystemTrust(): Answer {
  const version = readSystemAuthorities();
  return {
    outcome: { reply: { id: version?.id ?? "" } },
    parts: [bytesOf(version?.material.caPem ?? "")],
  };
}

/** With its defaults; ten thousand vNICs take half of it, and the control process has to read it in one go. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

/** The schemas take their time to load, and a process that reads certificates needs none. */
export async function loadDocumentParts() {
  const [yaml, model] = await Promise.all([
    import("../parse-yaml.ts"),
    import("#model/parse-document.ts"),
  ]);
  return { ...yaml, ...model };
}

async function readDocument([file]: readonly Buffer[]): Promise<Answer> {
  const { parseYaml, SyntaxProblem, parseDocument } = await loadDocumentParts();
  try {
    const { document, draft, problems } = parseDocument(parseYaml(file ?? Buffer.alloc(0)));
    const json = Buffer.from(JSON.stringify(draft));
    if (json.length > MAX_DOCUMENT_BYTES) {
      throw new SyntaxProblem(
        `With its defaults it has more than ${MAX_DOCUMENT_BYTES / 1024 / 1024} MiB.`,
      );
    }
    const reply = { isValid: document !== undefined, problems: problems.map(withShortPath) };
    return { outcome: { reply }, parts: [json] };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    return { outcome: { unreadable: error.message } };
  }
}

const MAX_PATH_LENGTH = 1_024;

/** A key may be as long as the document. */
const withShortPath = (problem: Problem): Problem =>
  problem.path.length <= MAX_PATH_LENGTH
    ? problem
    : { ...problem, path: `${problem.path.slice(0, MAX_PATH_LENGTH)}…` };
