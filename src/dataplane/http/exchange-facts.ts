/** Collects what the access lines of exchanges say. */
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HttpOutcome, HttpRule } from "#model/records/http-outcome.ts";
import type { ConnectionOutcome, EndpointFailure } from "#model/records/outcome.ts";
import { RECORDED_LENGTHS } from "#model/records/recorded-lengths.ts";
import { endpointKeyOf } from "#model/records/snapshot.ts";
import type { Exchange } from "./exchange.ts";
import { FIELD } from "./head/field-names.ts";
import type { HeadFields } from "./head/head-fields.ts";
import type { HeadRule } from "./head/head-refusal.ts";
import type { RequestHead } from "./request-head.ts";

/** The outcome of an exchange, by the outcome of its connection, if the director ended the connection. */
const OUTCOME_OF_END: Readonly<Partial<Record<ConnectionOutcome, HttpOutcome>>> = {
  drained: "drained",
  "cut-by-operator": "cut-by-operator",
  "server-drained": "server-drained",
  "relay-memory": "over-limit",
  internal: "internal",
};

/** Returns undefined if the director did not end the connection. */
export const exchangeOutcomeOf = (ended: ConnectionOutcome | undefined): HttpOutcome | undefined =>
  ended && OUTCOME_OF_END[ended];

/** What the line says about the head of a request. A line leaves out what is undefined. */
export interface RequestTexts {
  readonly method: string | undefined;
  readonly requestId: string | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
}

/** The texts of a request if the access log was off when it began, or if its head was not read. */
const NO_TEXTS: RequestTexts = {
  method: undefined,
  requestId: undefined,
  host: undefined,
  path: undefined,
  referer: undefined,
  userAgent: undefined,
};

/**
 * What the line says about an exchange, with the names that `ExchangeRecordSchema` explains. It leaves out what is undefined or false.
 * Times are milliseconds since the first byte of the request, or negative if the stage was not reached.
 */
export interface ExchangeFacts {
  readonly atMs: number;
  readonly number: number;
  readonly protocol: ExchangeRecord["protocol"];
  readonly texts: RequestTexts;
  readonly status: number;
  /** The name of the server and the address of the endpoint. */
  readonly endpoint: string | undefined;
  readonly server: string | undefined;
  readonly endpointFailure: EndpointFailure | undefined;
  readonly reused: boolean;
  readonly retried: boolean;
  readonly rule: HttpRule | undefined;
  readonly field: string | undefined;
  readonly headMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly durationMs: number;
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
  readonly bodyBytesToClient: number;
  readonly outcome: HttpOutcome;
}

/** Reads the texts of a line from the head, while its bytes are there. */
export function requestTextsOf(
  request: RequestHead,
  requestId: string,
  hasQuery: boolean,
): RequestTexts {
  const { fields, authority, method, targetStart, targetEnd } = request;
  const target = fields.bytes.toString("latin1", targetStart, targetEnd);
  return {
    method,
    requestId: requestId.slice(0, RECORDED_LENGTHS.requestId),
    host: authority === "" ? undefined : authority.slice(0, RECORDED_LENGTHS.host),
    path: withQuery(target, hasQuery).slice(0, RECORDED_LENGTHS.path),
    referer: tryText(fields, FIELD.referer, "referer", hasQuery),
    userAgent: tryText(fields, FIELD.userAgent, "userAgent", true),
  };
}

function withQuery(target: string, hasQuery: boolean): string {
  if (hasQuery) return target;
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}

function tryText(
  fields: HeadFields,
  kind: number,
  key: "referer" | "userAgent",
  hasQuery: boolean,
): string | undefined {
  const index = fields.find(kind);
  if (index < 0) return undefined;
  return withQuery(fields.value(index), hasQuery).slice(0, RECORDED_LENGTHS[key]);
}

export function exchangeFactsOf(exchange: Exchange, outcome: HttpOutcome): ExchangeFacts {
  const { client, endpointUsed, nowMs, beganMs } = exchange;
  const durationMs = nowMs - beganMs;
  return {
    atMs: timeBefore(durationMs),
    number: exchange.number,
    protocol: client.protocol,
    texts: exchange.texts ?? NO_TEXTS,
    status: exchange.status,
    endpoint: endpointUsed && `${endpointUsed.server} ${endpointKeyOf(endpointUsed)}`,
    server: exchange.server,
    endpointFailure: exchange.endpointFailure,
    reused: exchange.isReused,
    retried: exchange.hasRetried,
    rule: exchange.rule,
    field: exchange.field?.slice(0, RECORDED_LENGTHS.field),
    headMs: exchange.startedMs - beganMs,
    connectMs: sinceBegin(exchange, exchange.connectMs),
    firstByteMs: sinceBegin(exchange, exchange.firstByteMs),
    durationMs,
    bytesFromClient: exchange.headBytes + exchange.bytesFromClient,
    bytesToClient: client.bytesToClient - exchange.bytesToClientBefore,
    bodyBytesToClient: exchange.bytesToClient - client.unsentBytes,
    outcome,
  };
}

/** Returns the time of the clock that long ago, in milliseconds since the epoch. */
const timeBefore = (ageMs: number): number => Math.max(0, Math.round(Date.now() - ageMs));

const sinceBegin = ({ startedMs, beganMs }: Exchange, ms: number): number =>
  ms < 0 ? -1 : ms + startedMs - beganMs;

/** A request that has no exchange, because its head was refused or did not arrive in time. */
export interface UnreadRequest {
  readonly protocol: ExchangeRecord["protocol"];
  readonly number: number;
  readonly requestId: string;
  readonly status: number;
  readonly outcome: "refused" | "head-timeout";
  readonly rule: HeadRule | undefined;
  readonly beganMs: number;
  readonly nowMs: number;
  readonly bytesToClient: number;
  readonly bodyBytesToClient: number;
}

export function unreadFactsOf(request: UnreadRequest): ExchangeFacts {
  const { number, protocol, status, outcome, rule, bytesToClient, bodyBytesToClient } = request;
  const durationMs = request.nowMs - request.beganMs;
  return {
    atMs: timeBefore(durationMs),
    ...{ number, protocol, status, outcome, rule, durationMs, bytesToClient, bodyBytesToClient },
    texts: { ...NO_TEXTS, requestId: request.requestId },
    endpoint: undefined,
    server: undefined,
    endpointFailure: undefined,
    reused: false,
    retried: false,
    field: undefined,
    headMs: -1,
    connectMs: -1,
    firstByteMs: -1,
    bytesFromClient: 0,
  };
}
