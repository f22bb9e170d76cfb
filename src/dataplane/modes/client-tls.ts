/** What the modes have in common that terminate the TLS of clients and use endpoints. */
import type { HandshakeMetricName } from "#model/records/metric-catalog.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import { buildClientContexts, type ClientTlsRules, type EndpointRules } from "../listener-rules.ts";
import { slotsByLabel } from "../observe/counters.ts";

type Shared = Pick<
  DataplaneMode<ClientTlsRules & EndpointRules, HandshakeMetricName>,
  "materialsOf" | "buildContexts" | "countRefusal"
>;

const FAILED_SLOTS = slotsByLabel("tlsd_handshakes_failed_total");
const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const clientTlsMode: Shared = {
  *materialsOf({ names, endpointCertificate }) {
    for (const { material } of names.versions()) yield material;
    if (endpointCertificate !== undefined) yield endpointCertificate;
  },
  *buildContexts(rules, contexts, changed) {
    contexts.forEndpoints(rules.spec, rules.endpointCertificate);
    yield;
    yield* buildClientContexts(rules, contexts, changed);
  },
  /** Counts the refusal as a failed handshake, because a handshake was expected, unless the client is not allowed. */
  countRefusal(counters, cause) {
    if (cause === "not-allowed") counters.add(REFUSED_SLOTS[cause]);
    else counters.add(FAILED_SLOTS[cause]);
  },
};
