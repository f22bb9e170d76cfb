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
  buildClientTlsRules,
  buildEndpointRules,
  buildListenerRules,
} from "../listener-rules.ts";
import { clientTlsMode } from "./client-tls.ts";

export const http: DataplaneMode<HttpRules, MetricOf<"http">> = {
  ...clientTlsMode,
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
};
