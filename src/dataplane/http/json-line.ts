import { vnicOfListener } from "#model/names.ts";
import { EXCHANGE_LINE_HEAD, exchangeLineStartOf } from "#model/records/exchange-line.ts";
import { HTTP_OUTCOMES, type HttpOutcome } from "#model/records/http-outcome.ts";
import type { ExchangeFacts, RequestTexts } from "./exchange-facts.ts";
import type { HttpConnection } from "./http-rules.ts";
import { jsonTextOf, millisecondsTextOf } from "./line-texts.ts";

/** How a line ends that has each outcome. */
const ENDS = new Map(
  Object.entries(HTTP_OUTCOMES).map(([outcome, sentence]) => [
    outcome as HttpOutcome,
    `,"outcome":"${outcome}","msg":${jsonTextOf(sentence)}}\n`,
  ]),
);

/** The time is the same for all lines of a millisecond. */
let timeMs = -1;
let timeText = "";

function timeNow(): string {
  const nowMs = Date.now();
  if (nowMs !== timeMs) {
    timeMs = nowMs;
    timeText = new Date(nowMs).toISOString();
  }
  return timeText;
}

/**
 * Returns the access line of an exchange as JSON, with a line break. The control process takes only lines that have their keys in this order
 * (`control/workers/line-pattern.ts`).
 */
export function jsonLineOf(connection: HttpConnection, facts: ExchangeFacts): string {
  connection.lineFacts ??= connectionFactsOf(connection);
  const { number, atMs, protocol, status, outcome } = facts;
  const start = `${EXCHANGE_LINE_HEAD}${timeNow()}${connection.lineFacts},"number":${number},"atMs":${atMs},"protocol":"${protocol}"`;
  const request = requestFactsOf(facts.texts);
  const endpoint = endpointFactsOf(facts);
  return `${start}${request},"status":${status}${endpoint}${timesOf(facts)}${bytesOf(facts)}${ENDS.get(outcome)}`;
}

const requestFactsOf = (texts: RequestTexts): string =>
  optional(',"method":', texts.method) +
  optional(',"requestId":', texts.requestId) +
  optional(',"host":', texts.host) +
  optional(',"path":', texts.path) +
  optional(',"referer":', texts.referer) +
  optional(',"userAgent":', texts.userAgent);

const endpointFactsOf = (facts: ExchangeFacts): string =>
  optional(',"endpoint":', facts.endpoint) +
  optional(',"server":', facts.server) +
  optional(',"endpointFailure":', facts.endpointFailure) +
  (facts.reused ? ',"reused":true' : "") +
  (facts.retried ? ',"retried":true' : "") +
  optional(',"rule":', facts.rule) +
  optional(',"field":', facts.field);

const timesOf = (facts: ExchangeFacts): string =>
  time(',"headMs":', facts.headMs) +
  time(',"connectMs":', facts.connectMs) +
  time(',"firstByteMs":', facts.firstByteMs) +
  time(',"durationMs":', facts.durationMs);

const time = (key: string, ms: number): string => key + millisecondsTextOf(ms);

const bytesOf = ({ bytesFromClient, bytesToClient, bodyBytesToClient }: ExchangeFacts): string =>
  `,"bytesFromClient":${bytesFromClient},"bytesToClient":${bytesToClient},"bodyBytesToClient":${bodyBytesToClient}`;

const optional = (key: string, text: string | undefined): string =>
  text === undefined ? "" : key + jsonTextOf(text);

/** What does not change during a connection is written once. */
function connectionFactsOf(connection: HttpConnection): string {
  const { tls, peerCertificate, rules } = connection;
  const { name, virtualIp } = rules.spec;
  const resumed = tls === undefined ? "" : `,"resumed":${tls.isResumed}`;
  return [
    exchangeLineStartOf(vnicOfListener(name), name),
    `"id":${jsonTextOf(connection.id)},"clientAddress":${jsonTextOf(connection.clientAddress)}`,
    `,"clientPort":${connection.clientPort}`,
    optional(',"proxyAddress":', connection.proxyAddress),
    `,"virtualIp":${jsonTextOf(virtualIp)}`,
    optional(',"serverName":', connection.serverName),
    optional(',"tlsVersion":', tls?.version),
    optional(',"cipherSuite":', tls?.cipherSuite),
    optional(',"group":', connection.group),
    resumed,
    optional(',"clientCertificate":', peerCertificate?.commonName ?? peerCertificate?.subject),
  ].join("");
}
