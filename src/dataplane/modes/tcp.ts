/** Mode tcp: the TLS of the client is terminated, and its plaintext is relayed to an endpoint. */
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotTcpListener } from "#model/records/modes/tcp.ts";
import { checkLists } from "../connection/admit-client.ts";
import { connectEndpoint } from "../connection/connect-endpoint.ts";
import { shakeHands } from "../connection/handshake.ts";
import { readClientHello } from "../connection/read-client-hello.ts";
import { readProxyHeader } from "../connection/read-proxy-header.ts";
import { relay } from "../connection/relay.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import {
  bindEndpoints,
  buildClientContexts,
  buildClientTlsRules,
  buildEndpointRules,
  buildListenerRules,
  type ClientTlsRules,
  type EndpointRules,
  type ListenerRules,
} from "../listener-rules.ts";
import { slotsByLabel } from "../observe/counters.ts";

type TcpRules = ListenerRules<SnapshotTcpListener> & ClientTlsRules & EndpointRules;

const FAILED_SLOTS = slotsByLabel("tlsd_handshakes_failed_total");
const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const tcp: DataplaneMode<TcpRules, MetricOf<"tcp">> = {
  *buildRules(spec, parts) {
    const { names } = yield* buildClientTlsRules(spec, parts);
    return {
      ...buildListenerRules(spec, spec),
      names,
      ...buildEndpointRules(spec, parts, names.table),
    };
  },
  *rebind(rules, names, { certificates }) {
    return {
      ...rules,
      names: yield* rules.names.rebind(names, certificates),
      ...bindEndpoints(rules.spec, certificates),
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
    const lease = await connectEndpoint(connection);
    if (lease !== undefined) relay(connection, lease.socket);
  },
  /** Counts the refusal as a failed handshake, because a handshake was expected, unless the client is not allowed. */
  countRefusal(counters, cause) {
    if (cause === "not-allowed") counters.add(REFUSED_SLOTS[cause]);
    else counters.add(FAILED_SLOTS[cause]);
  },
};
