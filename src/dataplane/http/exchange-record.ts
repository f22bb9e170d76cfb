/** Builds the access lines of exchanges. */
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HttpOutcome } from "#model/records/http-outcome.ts";
import type { ConnectionOutcome } from "#model/records/outcome.ts";
import { RECORDED_LENGTHS } from "#model/records/recorded-lengths.ts";
import { endpointKeyOf } from "#model/records/snapshot.ts";
import type { Exchange } from "./exchange.ts";
import { FIELD } from "./head/field-names.ts";
import type { HeadFields } from "./head/head-fields.ts";
import type { HeadRule } from "./head/head-refusal.ts";
import type { HttpConnection } from "./http-rules.ts";
import type { RequestHead } from "./request-head.ts";

/** How an exchange ends whose connection was ended by the director. */
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

/** What the line says about the head of a request. */
export type RequestTexts = Pick<
  ExchangeRecord,
  "method" | "host" | "path" | "referer" | "userAgent" | "requestId"
>;

/** TypeScript does not check that the keys of a spread belong to the record, so the type of this function does. */
const optional = <Key extends keyof ExchangeRecord, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Value } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };

const toMicroseconds = (ms: number): number => (ms < 0 ? -1 : Math.round(ms * 1000) / 1000);

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
    ...optional("host", authority === "" ? undefined : authority.slice(0, RECORDED_LENGTHS.host)),
    path: withQuery(target, hasQuery).slice(0, RECORDED_LENGTHS.path),
    ...optional("referer", tryText(fields, FIELD.referer, "referer", hasQuery)),
    ...optional("userAgent", tryText(fields, FIELD.userAgent, "userAgent", true)),
  };
}

const withQuery = (target: string, hasQuery: boolean): string =>
  hasQuery ? target : (target.split("?", 1)[0] ?? "");

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

export function exchangeRecordOf(exchange: Exchange, outcome: HttpOutcome): ExchangeRecord {
  const { connection, client, texts, endpointUsed: endpoint, endpointFailure, nowMs } = exchange;
  return {
    ...connectionFieldsOf(connection, nowMs - exchange.beganMs),
    number: exchange.number,
    protocol: client.protocol,
    ...texts,
    status: exchange.status,
    ...optional("endpoint", endpoint && `${endpoint.server} ${endpointKeyOf(endpoint)}`),
    ...optional("server", exchange.server),
    ...optional("endpointFailure", endpointFailure),
    ...(exchange.isReused ? { reused: true } : {}),
    ...(exchange.hasRetried ? { retried: true } : {}),
    ...optional("rule", exchange.rule),
    ...optional("field", exchange.field?.slice(0, RECORDED_LENGTHS.field)),
    headMs: toMicroseconds(exchange.startedMs - exchange.beganMs),
    connectMs: sinceBegin(exchange, exchange.connectMs),
    firstByteMs: sinceBegin(exchange, exchange.firstByteMs),
    durationMs: toMicroseconds(nowMs - exchange.beganMs),
    bytesFromClient: exchange.headBytes + exchange.bytesFromClient,
    bytesToClient: client.bytesToClient - exchange.bytesToClientBefore,
    bodyBytesToClient: exchange.bytesToClient - client.unsentBytes,
    outcome,
  };
}

const sinceBegin = ({ startedMs, beganMs }: Exchange, ms: number): number =>
  ms < 0 ? -1 : toMicroseconds(ms + startedMs - beganMs);

/** A request whose head was refused or did not arrive in time. It has no exchange. */
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

export function unreadRecordOf(connection: HttpConnection, request: UnreadRequest): ExchangeRecord {
  const { number, protocol, requestId, status, outcome, rule, beganMs, nowMs } = request;
  return {
    ...connectionFieldsOf(connection, nowMs - beganMs),
    number,
    requestId,
    protocol,
    status,
    ...optional("rule", rule),
    headMs: -1,
    connectMs: -1,
    firstByteMs: -1,
    durationMs: toMicroseconds(nowMs - beganMs),
    bytesFromClient: 0,
    bytesToClient: request.bytesToClient,
    bodyBytesToClient: request.bodyBytesToClient,
    outcome,
  };
}

function connectionFieldsOf(
  connection: HttpConnection,
  ageMs: number,
): Pick<ExchangeRecord, "id" | "atMs" | "listener" | "clientAddress" | "clientPort" | "virtualIp"> {
  const { tls, peerCertificate } = connection;
  const { name, virtualIp } = connection.rules.spec;
  return {
    id: connection.id,
    atMs: Math.max(0, Math.round(Date.now() - ageMs)),
    listener: name,
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    ...optional("proxyAddress", connection.proxyAddress),
    virtualIp,
    ...optional("serverName", connection.serverName),
    ...optional("tlsVersion", tls?.version),
    ...optional("cipherSuite", tls?.cipherSuite),
    ...optional("group", connection.group),
    ...optional("resumed", tls?.isResumed),
    ...optional("clientCertificate", peerCertificate?.commonName ?? peerCertificate?.subject),
  };
}
