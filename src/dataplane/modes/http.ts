/** Mode http: the TLS of the client is terminated, and its requests are sent to an endpoint. */
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotHttpListener } from "#model/records/modes/http.ts";
import { checkLists } from "../connection/admit-client.ts";
import { connectEndpoint } from "../connection/connect-endpoint.ts";
import { shakeHands } from "../connection/handshake.ts";
import { readClientHello } from "../connection/read-client-hello.ts";
import { readProxyHeader } from "../connection/read-proxy-header.ts";
import { relay } from "../connection/relay.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import {
  bindEndpoints,
  buildClientTlsRules,
  buildEndpointRules,
  buildListenerRules,
  type ClientTlsRules,
  type EndpointRules,
  type ListenerRules,
} from "../listener-rules.ts";
import { slotsByLabel } from "../observe/counters.ts";

type HttpRules = ListenerRules<SnapshotHttpListener> & ClientTlsRules & EndpointRules;

const FAILED_SLOTS = slotsByLabel("tlsd_handshakes_failed_total");
const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const http: DataplaneMode<HttpRules, MetricOf<"http">> = {
  *buildRules(spec, parts) {
    return {
      ...buildListenerRules(spec, spec),
      ...(yield* buildClientTlsRules(spec, parts)),
      ...buildEndpointRules(spec, parts),
    };
  },
  *rebind(rules, names, { certificates }) {
    return {
      ...rules,
      certificates: yield* rules.certificates.rebind(names, certificates),
      ...bindEndpoints(rules.spec, certificates),
    };
  },
  *materialsOf({ certificates, endpointCertificate }) {
    for (const { material } of certificates.versions()) yield material;
    if (endpointCertificate !== undefined) yield endpointCertificate;
  },
  *buildContexts(rules, contexts, names = rules.spec.certificates) {
    contexts.forEndpoints(rules.spec, rules.endpointCertificate);
    yield;
    for (const name of names) {
      const certificate = rules.certificates.versionOf(name);
      if (certificate === undefined) continue;
      contexts.forClients(rules.spec, certificate.material);
      yield;
    }
  },
  async serve(connection) {
    const rest = await readProxyHeader(connection);
    if (rest === undefined) return;
    const hello = await readClientHello(connection, rest);
    // The lists may have changed since the connection was accepted.
    if (hello === undefined || !checkLists(connection)) return;
    if (!(await shakeHands(connection, hello))) return;
    const lease = await connectEndpoint(connection);
    if (lease !== undefined) relay(connection, lease.socket);
  },
  /** Counts the refusal as a failed handshake, because a handshake was expected, unless the client is not allowed. */
  countRefusal(counters, cause) {
    if (cause === "not-allowed") counters.add(REFUSED_SLOTS[cause]);
    else counters.add(FAILED_SLOTS[cause]);
  },
};
