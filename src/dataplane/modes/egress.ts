/**
 * Mode egress: the client is an attached server that sends plaintext, and the endpoint is a remote host that uses TLS.
 */
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotEgressListener } from "#model/records/modes/egress.ts";
import { defined } from "#model/records/snapshot.ts";
import { connectEndpoint } from "../connection/connect-endpoint.ts";
import { relay } from "../connection/relay.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import {
  bindEndpoints,
  buildEndpointRules,
  buildListenerRules,
  type EndpointRules,
  type ListenerRules,
} from "../listener-rules.ts";
import { inOneStep } from "../live/in-slices.ts";
import { slotsByLabel } from "../observe/counters.ts";

type EgressRules = ListenerRules<SnapshotEgressListener> & EndpointRules;

const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const egress: DataplaneMode<EgressRules, MetricOf<"egress">> = {
  buildRules: (spec, parts) =>
    inOneStep(() => ({ ...buildListenerRules(spec, {}), ...buildEndpointRules(spec, parts) })),
  rebind: (rules, _names, { certificates }) =>
    inOneStep(() => ({ ...rules, ...bindEndpoints(rules.spec, certificates) })),
  materialsOf: ({ endpointCertificate }) => defined([endpointCertificate]),
  buildContexts: ({ spec, endpointCertificate }, contexts) =>
    inOneStep(() => void contexts.forEndpoints(spec, endpointCertificate)),
  async serve(connection) {
    connection.isOpen = true;
    const lease = await connectEndpoint(connection);
    if (lease !== undefined) relay(connection, lease.socket);
  },
  countRefusal(counters, cause) {
    counters.add(REFUSED_SLOTS[cause]);
  },
};
