import { Client } from "undici";
import { errorCodeOf } from "#model/error-code.ts";
import {
  DirectorError,
  FAILURES,
  isFailureCode,
  type FailureCode,
  type Problem,
} from "#model/failure.ts";

const CONNECT_DEADLINE_MS = 2_000;
const REPLY_DEADLINE_MS = 5_000;
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

const PROBLEM_KEYS = ["path", "code", "message", "hint"] as const;

/** Failures by the code of a system error or of an undici error. */
const FAILURE_OF_CODE: Readonly<Record<string, FailureCode>> = {
  EACCES: "permission-denied",
  EPERM: "permission-denied",
  UND_ERR_HEADERS_TIMEOUT: "reply-late",
  UND_ERR_BODY_TIMEOUT: "reply-late",
};

export interface AdminQuestion {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** How long the reply may take after the connection has opened. */
  readonly deadlineMs: number;
}

/** Reads a resource. A list that comes in pages is read whole. */
export async function getFromAdmin(socketPath: string, path: string): Promise<unknown> {
  const question = { method: "GET", deadlineMs: REPLY_DEADLINE_MS } as const;
  const { body, next } = await exchange(socketPath, { ...question, path });
  if (next === undefined || !Array.isArray(body)) return body;
  const rest = await getFromAdmin(socketPath, next);
  return [...(body as readonly unknown[]), ...(rest as readonly unknown[])];
}

/**
 * Resolves to the JSON of the reply of the admin API. Rejects with `director-unreachable`, `permission-denied`, `reply-late`
 * or the failure in the reply.
 */
export const askAdmin = async (socketPath: string, question: AdminQuestion): Promise<unknown> =>
  (await exchange(socketPath, question)).body;

interface Reply {
  readonly body: unknown;
  /** The path of the next page of a list (RFC 8288). */
  readonly next: string | undefined;
}

const NEXT_PAGE = /^<(\/[^>]*)>; rel="next"$/;

async function exchange(
  socketPath: string,
  { method, path, deadlineMs }: AdminQuestion,
): Promise<Reply> {
  const client = new Client("http://localhost", {
    socketPath,
    connect: { timeout: CONNECT_DEADLINE_MS },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    maxResponseSize: MAX_REPLY_BYTES,
  });
  try {
    const { statusCode, headers, body } = await client.request({ method, path });
    const reply: unknown = await body.json();
    const [, next] = NEXT_PAGE.exec(String(headers["link"])) ?? [];
    if (statusCode === 200) return { body: reply, next };
    throw replyFailureOf(statusCode, reply);
  } catch (error) {
    if (error instanceof DirectorError) throw error;
    const code = errorCodeOf(error) ?? "";
    throw new DirectorError(
      FAILURE_OF_CODE[code] ?? "director-unreachable",
      `The socket is ${socketPath}${code === "" ? "" : ` (${code})`}.`,
      { cause: error },
    );
  } finally {
    await client.destroy();
  }
}

function replyFailureOf(statusCode: number, reply: unknown): DirectorError {
  const { code, message, problems } = Object(reply) as Readonly<Record<string, unknown>>;
  if (typeof code !== "string" || typeof message !== "string" || !isFailureCode(code)) {
    return new DirectorError("internal", `The admin API replied with status ${statusCode}.`);
  }
  const { text } = FAILURES[code];
  const detail = message.startsWith(text) ? message.slice(text.length).trim() : message;
  const known = tryProblems(problems);
  return new DirectorError(
    code,
    detail === "" ? undefined : detail,
    known === undefined ? {} : { problems: known },
  );
}

/** Returns the problems in a reply, or undefined if it has none or has another shape. */
function tryProblems(value: unknown): readonly Problem[] | undefined {
  return Array.isArray(value) && value.every(isProblem) ? value : undefined;
}

function isProblem(value: unknown): value is Problem {
  const entry = Object(value) as Readonly<Record<string, unknown>>;
  const { severity, file, line, column } = entry;
  return (
    PROBLEM_KEYS.every((key) => typeof entry[key] === "string") &&
    (severity === "error" || severity === "warning") &&
    ["string", "undefined"].includes(typeof file) &&
    [line, column].every((number) => number === undefined || typeof number === "number")
  );
}
