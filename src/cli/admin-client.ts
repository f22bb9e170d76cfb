import type { IncomingMessage } from "node:http";
import { errorCodeOf } from "#model/error-code.ts";
import { FAILURES } from "#model/failure-catalog.ts";
import { DirectorError, isFailureCode, type FailureCode, type Problem } from "#model/failure.ts";

const CONNECT_DEADLINE_MS = 2_000;
const REPLY_DEADLINE_MS = 5_000;
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

const PROBLEM_KEYS = ["path", "code", "message", "hint"] as const;

/** Failures by the code of a system error. */
const FAILURE_OF_CODE: Readonly<Record<string, FailureCode>> = {
  EACCES: "permission-denied",
  EPERM: "permission-denied",
};

/** Not by import, which would load Node's fetch into each command. */
const { request } = process.getBuiltinModule("node:http");

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
  withReply(socketPath, question, async (reply) => {
    const { statusCode: status = 0, headers } = reply;
    const tag = headers.etag ?? "";
    const [, next] = NEXT_PAGE.exec(String(headers["link"])) ?? [];
    if (status === 304) return { status, tag, next, value: undefined };
    const value = await jsonOf(reply);
    if (status === 200 || status === 201) return { status, tag, next, value };
    throw replyFailureOf(status, value, tag);
  });

const NEXT_PAGE = /^<(\/[^>]*)>; rel="next"$/;

/** Hands the body of a reply of any size to `read`. Rejects as `askAdmin` does, and with what `read` throws. */
export const streamFromAdmin = (
  socketPath: string,
  path: string,
  deadlineMs: number,
  read: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> =>
  withReply(socketPath, { method: "GET", path, deadlineMs }, async (reply) => {
    const { statusCode = 0 } = reply;
    if (statusCode !== 200) throw replyFailureOf(statusCode, await jsonOf(reply));
    await read(reply);
  });

async function jsonOf(reply: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) throw new Error("The reply is too large.");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function withReply<Result>(
  socketPath: string,
  question: AdminQuestion,
  read: (reply: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  const exchange = new AbortController();
  try {
    return await read(await replyTo(question, socketPath, exchange.signal));
  } catch (error) {
    if (error instanceof DirectorError) throw error;
    const code = errorCodeOf(error) ?? "";
    throw new DirectorError(
      FAILURE_OF_CODE[code] ?? "director-unreachable",
      `${placeOf(socketPath)}${code === "" ? "" : ` (${code})`}.`,
      { cause: error },
    );
  } finally {
    exchange.abort();
  }
}

/** Resolves to the head of the reply. Its body fails with `reply-late` if nothing arrives within the deadline. */
function replyTo(
  { method, path, deadlineMs, headers, body }: AdminQuestion,
  socketPath: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const late = (code: FailureCode): DirectorError =>
    new DirectorError(code, `${placeOf(socketPath)}.`);
  const outgoing = request({
    ...{ socketPath, method, path, signal, agent: false, timeout: CONNECT_DEADLINE_MS },
    headers: { host: "localhost", ...headers },
  });
  outgoing.once("socket", (socket) => socket.once("connect", () => socket.setTimeout(deadlineMs)));
  outgoing.on("timeout", () => {
    const isConnected = outgoing.socket?.connecting === false;
    outgoing.destroy(late(isConnected ? "reply-late" : "director-unreachable"));
  });
  outgoing.once("response", (reply) => {
    outgoing.removeAllListeners("timeout");
    outgoing.on("timeout", () => {
      // The reader of the reply may be slower than the director.
      if (reply.readableLength === 0) reply.destroy(late("reply-late"));
    });
    resolve(reply);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

const placeOf = (socketPath: string): string => `The socket is ${socketPath}`;

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
