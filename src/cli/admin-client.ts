import { Client, type Dispatcher } from "undici";
import { errorCodeOf } from "#model/error-code.ts";
import { FAILURES } from "#model/failure-catalog.ts";
import { DirectorError, isFailureCode, type FailureCode, type Problem } from "#model/failure.ts";

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
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** How long the reply may take after the connection has opened. */
  readonly deadlineMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

export interface AdminReply {
  readonly status: number;
  /** The entity tag of the reply, or "" if it has none. */
  readonly tag: string;
  /** The path of the next page of a list (RFC 8288). */
  readonly next: string | undefined;
  /** The JSON of the reply. Undefined if it has no body. */
  readonly value: unknown;
}

/** Returns a path with a query, in the order of its keys. Values that are undefined are left out. */
export function pathWith(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const parameters = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

/** Reads a resource. A list that comes in pages is read whole. */
export async function getFromAdmin(socketPath: string, path: string): Promise<unknown> {
  const question = { method: "GET", deadlineMs: REPLY_DEADLINE_MS } as const;
  const { value, next } = await exchangeWithAdmin(socketPath, { ...question, path });
  if (next === undefined || !Array.isArray(value)) return value;
  const rest = await getFromAdmin(socketPath, next);
  return [...(value as readonly unknown[]), ...(rest as readonly unknown[])];
}

/**
 * Resolves to the JSON of the reply of the admin API. Rejects with `director-unreachable`, `permission-denied`, `reply-late`
 * or the failure in the reply.
 */
export const askAdmin = async (socketPath: string, question: AdminQuestion): Promise<unknown> =>
  (await exchangeWithAdmin(socketPath, question)).value;

/** Does the same as `askAdmin`, and resolves to the entity tag too. A reply that nothing has changed (304) has no value. */
export const exchangeWithAdmin = (
  socketPath: string,
  question: AdminQuestion,
): Promise<AdminReply> =>
  withReply(socketPath, question, async ({ statusCode, headers, body }) => {
    const tag = String(headers["etag"] ?? "");
    const [, next] = NEXT_PAGE.exec(String(headers["link"])) ?? [];
    if (statusCode === 304) return { status: statusCode, tag, next, value: undefined };
    const value: unknown = await body.json();
    if (statusCode === 200 || statusCode === 201) return { status: statusCode, tag, next, value };
    throw replyFailureOf(statusCode, value, tag);
  });

const NEXT_PAGE = /^<(\/[^>]*)>; rel="next"$/;

/** Hands the body of a reply of any size to `read`. Rejects as `askAdmin` does, and with what `read` throws. */
export const streamFromAdmin = (
  socketPath: string,
  path: string,
  deadlineMs: number,
  read: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> =>
  withReply(
    socketPath,
    { method: "GET", path, deadlineMs },
    async ({ statusCode, body }) => {
      if (statusCode !== 200) throw replyFailureOf(statusCode, await body.json());
      await read(body);
    },
    -1,
  );

async function withReply<Result>(
  socketPath: string,
  { method, path, deadlineMs, headers, body }: AdminQuestion,
  read: (reply: Dispatcher.ResponseData) => Promise<Result>,
  maxBytes = MAX_REPLY_BYTES,
): Promise<Result> {
  const client = new Client("http://localhost", {
    socketPath,
    connect: { timeout: CONNECT_DEADLINE_MS },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    maxResponseSize: maxBytes,
  });
  try {
    const reply = await client.request({
      method,
      path,
      headers: headers ?? {},
      body: body ?? null,
    });
    return await read(reply);
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

function replyFailureOf(statusCode: number, reply: unknown, tag = ""): DirectorError {
  const { code, message, problems } = Object(reply) as Readonly<Record<string, unknown>>;
  if (typeof code !== "string" || typeof message !== "string" || !isFailureCode(code)) {
    return new DirectorError("internal", `The admin API replied with status ${statusCode}.`);
  }
  const { text } = FAILURES[code];
  const detail = message.startsWith(text) ? message.slice(text.length).trim() : message;
  const known = tryProblems(problems);
  return new DirectorError(code, detail === "" ? undefined : detail, {
    ...(known === undefined ? {} : { problems: known }),
    ...(tag === "" ? {} : { tag }),
  });
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
