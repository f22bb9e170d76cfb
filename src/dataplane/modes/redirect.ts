/** Mode redirect: the client sends a plain HTTP request and is redirected to https. */
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotRedirectListener } from "#model/records/modes/redirect.ts";
import { readProxyHeader } from "../connection/read-proxy-header.ts";
import { redirectToHttps } from "../connection/redirect.ts";
import type { DataplaneMode } from "../dataplane-mode.ts";
import { buildListenerRules, type ListenerRules } from "../listener-rules.ts";
import { inOneStep } from "../live/in-slices.ts";
import { slotsByLabel } from "../observe/counters.ts";

const REFUSED_SLOTS = slotsByLabel("tlsd_connections_refused_total");

export const redirect: DataplaneMode<
  ListenerRules<SnapshotRedirectListener>,
  MetricOf<"redirect">
> = {
  buildRules: (spec) => inOneStep(() => buildListenerRules(spec, spec)),
  rebind: (rules) => inOneStep(() => rules),
  materialsOf: () => [],
  buildContexts: () => inOneStep(() => undefined),
  async serve(connection) {
    const rest = await readProxyHeader(connection);
    if (rest !== undefined) await redirectToHttps(connection, rest);
  },
  countRefusal(counters, cause) {
    counters.add(REFUSED_SLOTS[cause]);
  },
};
