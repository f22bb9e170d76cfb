import { parseCidr, type Cidr } from "#model/addresses/cidr.ts";
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotHttpListener } from "#model/records/modes/http.ts";
import type { ConnectionState } from "../connection/connection-state.ts";
import type { ClientTlsRules, EndpointRules, ListenerRules } from "../listener-rules.ts";

/** The rules of a listener of mode http that are computed once for each snapshot. */
export interface HttpParts {
  /** The clients whose forwarding fields are kept. */
  readonly trustedClients: readonly Cidr[];
  /** The prefix of the keys of its pools. It differs if a connection to an endpoint would. */
  readonly poolScope: string;
  /** The fields that every answer gets, as bytes of a head. */
  readonly answerFields: Buffer;
  /** The same fields, with their names in lower case. */
  readonly answerPairs: readonly (readonly [name: string, value: string])[];
  /** The names, in lower case, of the fields that are removed from interim answers (1xx). */
  readonly removedInterimFields: ReadonlySet<string>;
  /** Those that are removed from final answers: the same, and those that the director sets there. */
  readonly removedFields: ReadonlySet<string>;
  readonly keeps: { readonly ja4: boolean; readonly certificate: boolean };
}

export type HttpRules = ListenerRules<SnapshotHttpListener> &
  ClientTlsRules &
  EndpointRules &
  HttpParts;

export type HttpConnection = ConnectionState<HttpRules, MetricOf<"http">>;

export function buildHttpParts(
  spec: SnapshotHttpListener,
  endpointCertificate: string | undefined,
): HttpParts {
  const { http, endpointTls, proxyProtocol, policy } = spec;
  const { hsts, responseFields, trustedProxies } = http;
  const fields = [
    ...(hsts === undefined ? [] : [["strict-transport-security", hsts] as const]),
    ...responseFields.set,
  ];
  return {
    keeps: http.clientFacts,
    trustedClients: trustedProxies.map(parseCidr),
    poolScope: JSON.stringify([endpointTls, endpointCertificate, proxyProtocol, policy]),
    answerFields: Buffer.from(
      fields.map(([name, value]) => `${name}: ${value}\r\n`).join(""),
      "latin1",
    ),
    answerPairs: fields.map(([name, value]) => [name.toLowerCase(), value] as const),
    removedInterimFields: new Set(responseFields.remove),
    removedFields: new Set([
      ...responseFields.remove,
      ...fields.map(([name]) => name.toLowerCase()),
    ]),
  };
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Returns the names of the fields that are removed from an answer with this status. An answer that switches protocols (101) keeps all, because
 * it is no answer of the application.
 */
export function removedFieldsOf(rules: HttpParts, status: number): ReadonlySet<string> {
  if (status >= 200) return rules.removedFields;
  return status === 101 ? NONE : rules.removedInterimFields;
}
