import { Client } from "undici";
import { DirectorError, FAILURES, isFailureCode, type FailureCode } from "#model/failure.ts";

const CONNECT_DEADLINE_MS = 2_000;
const REPLY_DEADLINE_MS = 5_000;
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EACCES: "permission-denied",
  EPERM: "permission-denied",
};

/**
 * GETs JSON from the admin API on a unix socket. Throws `director-unreachable`, `permission-denied` or what the
 * director replies.
 */
export async function getFromAdmin(socketPath: string, path: string): Promise<unknown> {
  const client = new Client("http://localhost", {
    socketPath,
    connect: { timeout: CONNECT_DEADLINE_MS },
    headersTimeout: REPLY_DEADLINE_MS,
    bodyTimeout: REPLY_DEADLINE_MS,
    maxResponseSize: MAX_REPLY_BYTES,
  });
  try {
    const { statusCode, body } = await client.request({ method: "GET", path });
    const reply: unknown = await body.json();
    if (statusCode === 200) return reply;
    throw failureOf(statusCode, reply);
  } catch (error) {
    if (error instanceof DirectorError) throw error;
    const errno = errnoOf(error);
    throw new DirectorError(
      FAILURE_OF_ERRNO[errno] ?? "director-unreachable",
      `It is ${socketPath}${errno === "" ? "" : ` (${errno})`}.`,
      { cause: error },
    );
  } finally {
    await client.destroy();
  }
}

function failureOf(statusCode: number, reply: unknown): DirectorError {
  const { code, message } = Object(reply) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  if (typeof code !== "string" || typeof message !== "string" || !isFailureCode(code)) {
    return new DirectorError("internal", `The admin API replied with status ${statusCode}.`);
  }
  const { text } = FAILURES[code];
  const detail = message.startsWith(text) ? message.slice(text.length).trim() : message;
  return new DirectorError(code, detail === "" ? undefined : detail);
}

function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}
