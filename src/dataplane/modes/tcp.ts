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
  buildClientTlsRules,
  buildEndpointRules,
  buildListenerRules,
  type ClientTlsRules,
  type EndpointRules,
  type ListenerRules,
} from "../listener-rules.ts";
import { clientTlsMode } from "./client-tls.ts";

type TcpRules = ListenerRules<SnapshotTcpListener> & ClientTlsRules & EndpointRules;

export const tcp: DataplaneMode<TcpRules, MetricOf<"tcp">> = {
  ...clientTlsMode,
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
};
