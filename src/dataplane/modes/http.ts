/** Mode http: the TLS of the client is terminated, and its requests are sent to an endpoint. */
import type { MetricOf } from "#model/records/mode-records.ts";
import { checkLists } from "../connection/admit-client.ts";
import { shakeHands } from "../connection/handshake.ts";
import { readClientHello } from "../connection/read-client-hello.ts";
import { readProxyHeader } from "../connection/read-proxy-header.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import { ClientSession } from "../http/h1/client-session.ts";
import { Session } from "../http/h2/session.ts";
import { buildHttpParts, type HttpRules } from "../http/http-rules.ts";
import {
  bindEndpoints,
  buildClientContexts,
  buildClientTlsRules,
  buildEndpointRules,
  buildListenerRules,
} from "../listener-rules.ts";
import { slotsByLabel } from "../observe/counters.ts";

const FAILED_SLOTS = slotsByLabel("tlsd_handshakes_failed_total");
const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const http: DataplaneMode<HttpRules, MetricOf<"http">> = {
  *buildRules(spec, parts) {
    const { names } = yield* buildClientTlsRules(spec, parts);
    const endpointRules = buildEndpointRules(spec, parts, names.table);
    return {
      ...buildListenerRules(spec, spec),
      names,
      ...endpointRules,
      ...buildHttpParts(spec, endpointRules.endpointCertificate),
    };
  },
  *rebind(rules, names, { certificates }) {
    const bound = bindEndpoints(rules.spec, certificates);
    return {
      ...rules,
      names: yield* rules.names.rebind(names, certificates),
      ...bound,
      ...buildHttpParts(rules.spec, bound.endpointCertificate),
    };
  },
  *materialsOf({ names, endpointCertificate }) {
    for (const { material } of names.versions()) yield material;
    if (endpointCertificate !== undefined) yield endpointCertificate;
  },
  *buildContexts(rules, contexts, changed) {
    contexts.forEndpoints(rules.spec, rules.endpointCertificate);
    yield;
    yield* buildClientContexts(rules, contexts, changed);
  },
  async serve(connection) {
    const rest = await readProxyHeader(connection);
    if (rest === undefined) return;
    const hello = await readClientHello(connection, rest);
    // The lists may have changed since the connection was accepted.
    if (hello === undefined || !checkLists(connection)) return;
    if (!(await shakeHands(connection, hello))) return;
    if (connection.tls?.alpn === "h2") new Session(connection).start();
    else new ClientSession(connection).start();
  },
  /** Counts the refusal as a failed handshake, because a handshake was expected, unless the client is not allowed. */
  countRefusal(counters, cause) {
    if (cause === "not-allowed") counters.add(REFUSED_SLOTS[cause]);
    else counters.add(FAILED_SLOTS[cause]);
  },
};
