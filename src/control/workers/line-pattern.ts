/**
 * The access lines that a worker may send. They match one of these patterns, which describe a whole line with its line break. In the
 * patterns no text can match in two ways, so that a line is compared in one pass, whatever a worker sends.
 */
import { EXCHANGE_LINE_HEAD, exchangeLineStartOf } from "#model/records/exchange-line.ts";
import { ExchangeRecordSchema, type ExchangeRecord } from "#model/records/exchange-record.ts";
import {
  HTTP_OUTCOMES,
  HTTP_OUTCOME_NAMES,
  type HttpOutcome,
} from "#model/records/http-outcome.ts";
import type { ListenerName, VnicName } from "#model/names.ts";

type Key = keyof ExchangeRecord;

/** The keys of a line in their order, between the listener and the outcome. */
const KEYS = [
  ...["id", "clientAddress", "clientPort", "proxyAddress", "virtualIp"],
  ...["serverName", "tlsVersion", "cipherSuite", "group", "resumed", "clientCertificate"],
  ...["number", "atMs", "protocol"],
  ...["method", "requestId", "host", "path", "referer", "userAgent"],
  ...["status", "endpoint", "server", "endpointFailure", "reused", "retried", "rule", "field"],
  ...["headMs", "connectMs", "firstByteMs", "durationMs"],
  ...["bytesFromClient", "bytesToClient", "bodyBytesToClient"],
] as const satisfies readonly Key[];

/** A string of JSON. Control characters were escaped before, so a backslash is followed by a quote or a backslash. */
const TEXT = String.raw`"[^"\\\x00-\x1f\x7f]*(?:\\["\\][^"\\\x00-\x1f\x7f]*)*"`;
const NUMBER = String.raw`(?:-1|(?:0|[1-9]\d{0,15})(?:\.\d{1,3})?)`;

const literal = (text: string): string => text.replaceAll(/[^\w\s]/g, String.raw`\$&`);

function valueOf(key: Key): string {
  const schema: Readonly<Record<string, unknown>> = { ...ExchangeRecordSchema.properties[key] };
  const { type, enum: values, maximum } = schema;
  if (Array.isArray(values))
    return `"(?:${values.map((value) => literal(String(value))).join("|")})"`;
  if (type === "string") return TEXT;
  if (type === "boolean") return "(?:true|false)";
  if (type !== "integer") return NUMBER;
  return String.raw`(?:0|[1-9]\d{0,${String(maximum).length - 1}})`;
}

const required = new Set<string>(ExchangeRecordSchema.required);

function restOf(outcomes: readonly HttpOutcome[]): RegExp {
  const fields = KEYS.map((key, at) => {
    const field = `${at === 0 ? "" : ","}"${key}":${valueOf(key)}`;
    return required.has(key) ? field : `(?:${field})?`;
  });
  const ends = outcomes.map((name) =>
    literal(`${name}","msg":${JSON.stringify(HTTP_OUTCOMES[name])}}\n`),
  );
  return new RegExp(`${fields.join("")},"outcome":"(?:${ends.join("|")})`, "y");
}

/** The parts of a line in JSON. Each is compared at `lastIndex`. */
export const JSON_LINE = {
  /** What stands before the end of the time. */
  head: new RegExp(
    String.raw`${literal(EXCHANGE_LINE_HEAD)}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
    "y",
  ),
  /** What stands between the time and `id`. The name of the listener is a group. */
  start: new RegExp(
    exchangeLineStartOf(
      String.raw`[\w.-]{1,200}` as VnicName,
      String.raw`([\w.:-]{1,200})` as ListenerName,
    ),
    "y",
  ),
  /** What follows, in the line of a listener with an access log. */
  rest: restOf(HTTP_OUTCOME_NAMES),
  /** What follows in lines that there are without an access log, because nothing else says why an endpoint failed. */
  restOfFailure: restOf(["endpoint-failed", "bad-answer"]),
} as const;

/** A line of the combined format. It consists of printable ASCII. */
export const COMBINED_LINE = (() => {
  const text = String.raw`"[ !#-\[\]-~]*(?:\\x[0-9A-F]{2}[ !#-\[\]-~]*)*"`;
  const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4,6}:\d\d:\d\d:\d\d \+0000\]`;
  const client = String.raw`(?:[!#-\[\]-z|~]|\\x[0-9A-F]{2})+`;
  return new RegExp(
    String.raw`${client} - - ${time} ${text} (?:\d{3}|-) (?:\d{1,16}|-) ${text} ${text}\n`,
    "y",
  );
})();
