import { DirectorError } from "#model/failure.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { askAdmin, pathWith, type AdminQuestion } from "./admin-client.ts";
import type { ChangeTerms } from "./commands/change-options.ts";
import { readDocumentTag, tryDocumentTag } from "./document-tag.ts";
import type { Terminal } from "./terminal.ts";

export interface ChangeContext {
  readonly terminal: Terminal;
  /** The result of `authorOf`. */
  readonly author: string;
}

export interface ChangeQuestion {
  readonly method: AdminQuestion["method"];
  readonly path: string;
  /** More of the query than every change has. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** If-Match or If-None-Match, unless `--if-revision` is given. */
  readonly condition: Readonly<Record<string, string>>;
}

/** Sends a change or a dry run of it. Rejects as `askAdmin` does. */
export async function sendChange(
  { author }: ChangeContext,
  terms: ChangeTerms,
  { method, path, query, body, condition }: ChangeQuestion,
): Promise<ChangeReply> {
  const { socketPath, timeoutMs, isDryRun, reason, forgetsSessions } = terms;
  const flags = {
    dryRun: isDryRun ? "true" : undefined,
    forgetSessions: forgetsSessions ? "true" : undefined,
  };
  const headers = { ...condition, ...(await revisionCondition(terms)) };
  const media = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const question: AdminQuestion = {
    method,
    path: pathWith(path, { ...flags, reason, ...query }),
    deadlineMs: timeoutMs,
    headers: {
      "tlsd-author": author,
      ...headers,
      ...(body === undefined ? {} : { "content-type": media }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  try {
    return (await askAdmin(socketPath, question)) as ChangeReply;
  } catch (error) {
    throw withRevision(error);
  }
}

const inForceSentence = (revision: number): string =>
  `Revision ${revision} is in force; \`tlsd show history\` lists what came in between.`;

/** The director names entity tags, and an operator knows revisions. */
function withRevision(error: unknown): unknown {
  if (!(error instanceof DirectorError) || error.code !== "revision-conflict") return error;
  const current = tryDocumentTag(error.tag ?? "");
  const detail =
    current === undefined ? "Another change came in between." : inForceSentence(current.revision);
  return new DirectorError(error.code, detail, { cause: error });
}

async function revisionCondition({
  socketPath,
  ifRevision,
}: ChangeTerms): Promise<Readonly<Record<string, string>>> {
  if (ifRevision === undefined) return {};
  const { tag, revision } = await readDocumentTag(socketPath);
  if (revision === ifRevision) return { "if-match": tag };
  throw new DirectorError("revision-conflict", inForceSentence(revision));
}
