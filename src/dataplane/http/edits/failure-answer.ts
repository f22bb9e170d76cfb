import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { HttpRules } from "../http-rules.ts";
import { dateField } from "./date-field.ts";

/** The reason phrases (RFC 9110 section 15) of the answers that the director gives itself. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  421: "Misdirected Request",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** What a client reads, in addition to the reason. It says nothing about the inside of the director. */
const SENTENCES: Readonly<Record<number, string>> = {
  400: "The request is not valid.",
  405: "The method is not allowed.",
  408: "The request did not arrive in time.",
  414: "The target of the request is too long.",
  417: "The expectation is not supported.",
  421: "This connection is not for the requested name.",
  426: "The version of WebSocket is not supported. Use version 13.",
  431: "The fields of the request are too long or too many.",
  501: "The request uses something that is not supported.",
  502: "The server gave no valid answer.",
  503: "No server is available.",
  504: "The server did not answer in time.",
  505: "The version of HTTP is not supported.",
};

/** What RFC 9110 section 15 and RFC 6455 section 4.4 demand of an answer with this status. */
const MORE_FIELDS: Readonly<Record<number, OwnAnswer["fields"]>> = {
  405: [["allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]],
  426: [
    ["upgrade", "websocket"],
    ["sec-websocket-version", "13"],
  ],
};

const LETTER_J = 0x6a;
/** The bit that tells a lower case letter from an upper case one. */
const CASE_BIT = 0x20;

export interface FailureAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly wantsJson: boolean;
  readonly isHead: boolean;
}

/** An answer of the director's own, without the fields that depend on the version of HTTP and those that every answer gets. */
export interface OwnAnswer {
  readonly reason: string;
  /** Pairs of a name in lower case and a value. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What HTTP/1 also says. */
interface ConnectionEdits {
  readonly closes: boolean;
  readonly isHttp10: boolean;
}

/** Whether the client prefers JSON: Accept names it, and no html (RFC 9110 section 12.5.1). */
export function wantsJson(fields: HeadFields): boolean {
  const index = fields.find(FIELD.accept);
  if (index < 0 || !hasLetterJ(fields, index)) return false;
  const value = fields.value(index).toLowerCase();
  return /\bapplication\/(?:json|problem\+json)\b/.test(value) && !value.includes("text/html");
}

/** Most browsers name no JSON, and to look for the letter is cheaper than to make a text of a long value. */
function hasLetterJ({ bytes, valueStart, valueEnd }: HeadFields, index: number): boolean {
  const end = valueEnd[index] ?? 0;
  for (let at = valueStart[index] ?? 0; at < end; at += 1) {
    if (((bytes[at] ?? 0) | CASE_BIT) === LETTER_J) return true;
  }
  return false;
}

/** Returns an answer of the director's own. */
export function ownAnswerOf({ status, requestId, ...wants }: FailureAnswer): OwnAnswer {
  const reason = REASONS[status] ?? "Error";
  const message = SENTENCES[status] ?? reason;
  const body = wants.wantsJson
    ? `${JSON.stringify({ status, reason, message, requestId })}\n`
    : `${status} ${reason}\n${message}\nRequest id: ${requestId}\n`;
  return {
    reason,
    fields: [
      ["content-type", wants.wantsJson ? "application/json" : "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
      ...(MORE_FIELDS[status] ?? []),
    ],
    body: wants.isHead ? "" : body,
  };
}

/** Returns an answer of the director's own in the syntax of HTTP/1.1. */
export function failureAnswer(
  rules: HttpRules,
  answer: FailureAnswer & ConnectionEdits,
): { readonly head: Buffer; readonly body: Buffer } {
  const { reason, fields, body } = ownAnswerOf(answer);
  const lines = [
    `HTTP/1.1 ${answer.status} ${reason}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...connectionField(answer),
  ];
  return {
    head: Buffer.concat([
      Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1"),
      dateField(),
      rules.answerFields,
      Buffer.from("\r\n", "latin1"),
    ]),
    body: Buffer.from(body, "latin1"),
  };
}

function connectionField({
  status,
  closes,
  isHttp10,
}: FailureAnswer & ConnectionEdits): readonly string[] {
  if (status === 426) return ["connection: close, upgrade"];
  if (closes) return ["connection: close"];
  return isHttp10 ? ["connection: keep-alive"] : [];
}
