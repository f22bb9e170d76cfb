import assert from "node:assert/strict";
import type { OrderedAnswer, OrderedAnswers } from "./ordered-answers.ts";
import { plainLineOf, type ArrivedRequest } from "./recording-endpoint.ts";

/** What a proxy made of the request of a case. */
export interface RequestOutcome {
  /** Whether a whole request of the case has reached the endpoint. */
  readonly isForwarded: boolean;
  /**
   * The statuses that the client got, in their order, where `next` is the answer to the innocent request that follows, and
   * how what arrived differs from what was sent: `-` and a line that is missing, `+` and one that was added.
   */
  readonly text: string;
}

export interface SentRequest {
  readonly tag: string;
  readonly text: string;
  readonly nextTarget: string;
}

/** Each proxy frames a request for itself, and decides about its own connection to the endpoint. */
const OF_FRAMING = /^(?:content-length|transfer-encoding): /;
const OF_CONNECTION = /^connection: (?:close|keep-alive|)$/;
const TAGS = /case-\d{4}/g;
const MAX_LINE = 60;

/** The lines that a proxy adds to a plain request. */
export function ownLinesOf(
  sent: SentRequest,
  arrived: readonly ArrivedRequest[],
): readonly string[] {
  const [request] = arrived;
  assert.ok(request !== undefined, "the plain request has arrived");
  return minus(fieldsOf(request), sentLinesOf(sent).fields);
}

export function outcomeOf(
  sent: SentRequest,
  { answers, rest, isOpen }: OrderedAnswers,
  arrived: readonly ArrivedRequest[],
  own: readonly string[],
): RequestOutcome {
  const said = answers.map((answer) => statusOf(sent, answer));
  const nextAt = said.indexOf("next");
  assert.ok(
    nextAt < 0 || nextAt === said.length - 1,
    `${sent.tag} got an answer after the last one`,
  );
  const isNext = ({ line }: ArrivedRequest): boolean => line === `GET ${sent.nextTarget} HTTP/1.1`;
  const nexts = arrived.filter(isNext);
  assert.ok(nexts.length < 2, `${sent.nextTarget} has arrived twice`);
  const [first, ...more] = arrived.filter((request) => !isNext(request));
  const otherTag = rest.match(TAGS)?.find((tag) => tag !== sent.tag);
  assert.equal(otherTag, undefined, `${sent.tag} got ${rest}`);
  const parts = [
    [...said, ...(isOpen ? ["waits"] : [])].join(" ") || "no answer",
    ...(rest === "" ? [] : [rest.includes("\0") ? "other bytes" : `text ${rest}`]),
    ...(first === undefined ? [] : differencesOf(sent, first, own)),
    ...more.map(({ line, body }) => `then ${line}${body === "" ? "" : ` with ${body}`}`),
    ...nexts.flatMap((request) => changesOfNext(sent, request, own)),
  ];
  if (first !== undefined && !said.includes("200")) parts.push("forwarded");
  return {
    isForwarded: first !== undefined,
    text: parts.map((part) => printed(part, sent)).join("; "),
  };
}

/** Fails if it is the answer to a request of another case. */
function statusOf({ tag, nextTarget }: SentRequest, { status, body }: OrderedAnswer): string {
  if (status !== "200" || body === undefined) return status;
  assert.ok(body.startsWith(`${tag} `), `${tag} got the answer ${body}`);
  if (!body.includes("/next/")) return status;
  assert.equal(body, `${tag} ${nextTarget}`);
  return "next";
}

function differencesOf(
  sent: SentRequest,
  request: ArrivedRequest,
  own: readonly string[],
): readonly string[] {
  const { line, fields } = sentLinesOf(sent);
  const arrived = fieldsOf(request, fields);
  const added = minus(minus(arrived, fields), own);
  const reordered = namesOf(fields).filter((name) => !isInOrder(name, fields, arrived));
  return [
    ...(request.line === line ? [] : [request.line]),
    ...minus(fields, arrived).map((field) => `-${field}`),
    ...added.map((field) => `+${field}`),
    ...reordered.map((name) => `other order of ${name}`),
    ...(request.body === "" ? [] : [`body ${request.body}`]),
  ];
}

function changesOfNext(
  { tag }: SentRequest,
  request: ArrivedRequest,
  own: readonly string[],
): readonly string[] {
  const plain = ["host: shop.example", `x-case: ${tag}`];
  const added = minus(minus(fieldsOf(request, plain), plain), own);
  return [...added, ...minus(plain, fieldsOf(request, plain))].map((field) => `next with ${field}`);
}

/** The lines of the head that was sent, wherever a line may end. */
function sentLinesOf({ text }: SentRequest): {
  readonly line: string;
  readonly fields: readonly string[];
} {
  const end = /\r?\n\r?\n/.exec(text.trimStart());
  const lines = text.trimStart().slice(0, end?.index).split(/\r?\n/);
  const [line = "", ...fields] = lines;
  const isKept = (field: string): boolean =>
    !OF_FRAMING.test(field) && !field.startsWith("connection: ");
  return { line, fields: fields.map(plainLineOf).filter(isKept) };
}

/** The fields that arrived. The ids that proxies make are not the same twice, and X-Forwarded-Host follows Host. */
function fieldsOf({ fields }: ArrivedRequest, sent: readonly string[] = []): readonly string[] {
  const host = fields.find((field) => nameOf(field) === "host");
  return fields
    .filter((field) => !OF_FRAMING.test(field) && !OF_CONNECTION.test(field))
    .map((field) => {
      if (sent.includes(field)) return field;
      if (field === `x-forwarded-${host}`) return "x-forwarded-host: that of Host";
      return field.replace(/^x-request-id: .*/, "x-request-id: new");
    });
}

/** The lines of the first list that are not in the second one, each as often as it is there more often. */
function minus(lines: readonly string[], others: readonly string[]): readonly string[] {
  const rest = [...others];
  return lines.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

const nameOf = (field: string): string => field.slice(0, Math.max(0, field.indexOf(":")));

const namesOf = (fields: readonly string[]): readonly string[] => [...new Set(fields.map(nameOf))];

/** The order of fields counts within a name (RFC 9110 section 5.3). */
function isInOrder(name: string, sent: readonly string[], arrived: readonly string[]): boolean {
  const common = arrived.filter((field) => nameOf(field) === name && sent.includes(field));
  const wanted = sent.filter((field) => nameOf(field) === name && arrived.includes(field));
  return common.length !== wanted.length || common.every((field, at) => field === wanted[at]);
}

/** Cuts long lines, and writes as `\x00` what cannot be in a cell of a table. */
function printed(part: string, { tag, nextTarget }: SentRequest): string {
  const text = part.replaceAll(tag, "case").replaceAll(nextTarget, "/next");
  const short = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}… (${text.length})` : text;
  return short.replace(/[^\x20-\x7e…]|[`|\\]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
