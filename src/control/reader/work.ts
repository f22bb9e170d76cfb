import { parseCertificate } from "../certificates/parse-certificate.ts";
import { SourceProblem } from "../certificates/source-problem.ts";
import type { Job, Outcome } from "./jobs.ts";

export interface Answer {
  readonly outcome: Outcome;
  readonly parts?: readonly Uint8Array[];
}

/** Does one job. What only some jobs need is loaded for them. Rejects only where the program has a mistake. */
export async function work(job: Job, files: readonly Buffer[]): Promise<Answer> {
  if (job.kind === "document") return readDocument(files);
  try {
    switch (job.kind) {
      case "certificate":
        return readCertificate(job, files);
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
  const { id, facts, signing, bunRefusal, isForServers, material } = version;
  const reply = {
    id,
    facts,
    signing,
    warnings,
    isForServers,
    ...(bunRefusal === undefined ? {} : { bunRefusal }),
  };
  return {
    outcome: { reply },
    parts: [bytesOf(material.chainPem), bytesOf(material.keyPem)],
  };
}

async function readTrust(
  { has, places, nowMs }: Extract<Job, { readonly kind: "trust" }>,
  [ca, crl]: readonly Buffer[],
): Promise<Answer> {
  const { parseTrust } = await import("../certificates/parse-trust.ts");
  const texts = { ca: textOf(ca), crl: has.crl ? textOf(crl) : undefined };
  const { version, warnings } = parseTrust(texts, places, nowMs);
  const { id, material, unrootedCa } = version;
  const { caPem, crlPem } = material;
  return {
    outcome: {
      reply: { id, warnings, ...(unrootedCa === undefined ? {} : { unrootedCa }) },
    },
    parts: [bytesOf(caPem), bytesOf(crlPem ?? "")],
  };
}

async function readSystemTrust(): Promise<Answer> {
  const { readSystemAuthorities } = await import("../certificates/parse-trust.ts");
  const version = readSystemAuthorities();
  return {
    outcome: { reply: { id: version?.id ?? "" } },
    parts: [bytesOf(version?.material.caPem ?? "")],
  };
}

async function readDocument([file]: readonly Buffer[]): Promise<Answer> {
  const { parseDocumentText } = await import("../parse-document-text.ts");
  const { SyntaxProblem } = await import("../parse-yaml.ts");
  try {
    const { json, ...reply } = parseDocumentText(file ?? Buffer.alloc(0));
    return { outcome: { reply }, parts: [Buffer.from(json)] };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    return { outcome: { unreadable: error.message } };
  }
}
