import {
  explainHandshake,
  type HandshakeFilter,
  type HandshakeGroup,
  type HandshakeGroups,
} from "#model/records/handshake-groups.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { HandshakeFailure, HandshakeGrouping } from "#model/records/outcome.ts";
import { cidrsContain, parseCidr } from "#model/addresses/cidr.ts";
import { matchesPattern } from "#model/name-pattern.ts";
import type { ListenerName } from "#model/names.ts";

/** Returns how many handshakes have failed for a cause on a listener since the start, as the metrics count them. */
export type FailureCount = (listener: ListenerName, cause: HandshakeFailure) => number;

interface Tally {
  readonly values: Partial<Record<HandshakeGrouping, string>>;
  kept: number;
  firstAtMs: number;
  example: HandshakeRecord;
  /** Undefined unless the counters have this group. */
  readonly pairs: Map<string, readonly [HandshakeFailure, ListenerName]> | undefined;
}

const valueOf = (record: HandshakeRecord, by: HandshakeGrouping): string => {
  switch (by) {
    case "cause":
      return record.failure;
    case "listener":
      return record.listener;
    case "serverName":
      return record.serverName ?? "";
    case "client":
      return record.clientAddress;
    default:
      return by satisfies never;
  }
};

/** Returns a test of records. The client of the filter is an address or a CIDR. */
export function testOf(filter: HandshakeFilter): (record: HandshakeRecord) => boolean {
  const { cause, listener, vnic, client, serverName } = filter;
  const clients = client === undefined ? undefined : [parseCidr(client)];
  const wantedName = serverName?.toLowerCase();
  return (record) =>
    (cause === undefined || record.failure === cause) &&
    (listener === undefined || matchesPattern(listener, record.listener)) &&
    (vnic === undefined || matchesPattern(`${vnic}:*`, record.listener)) &&
    (clients === undefined || cidrsContain(clients, record.clientAddress)) &&
    (wantedName === undefined || (record.serverName ?? "").toLowerCase() === wantedName);
}

/** Groups the records that match. The largest groups come first; `limit` is how many are returned. */
export function groupHandshakes(
  records: Iterable<HandshakeRecord>,
  by: readonly HandshakeGrouping[],
  filter: HandshakeFilter,
  { limit, countOf }: { readonly limit: number; readonly countOf: FailureCount },
): HandshakeGroups {
  const isCounted =
    filter.client === undefined &&
    filter.serverName === undefined &&
    !by.includes("client") &&
    !by.includes("serverName");
  const tallies = new Map<string, Tally>();
  let kept = 0;
  const isWanted = testOf(filter);
  for (const record of records) {
    if (!isWanted(record)) continue;
    kept += 1;
    const values = by.map((grouping) => valueOf(record, grouping));
    const key = JSON.stringify(values);
    let tally = tallies.get(key);
    if (tally === undefined) {
      tally = {
        values: Object.fromEntries(by.map((grouping, at) => [grouping, values[at] ?? ""])),
        ...{ kept: 0, firstAtMs: record.atMs, example: record },
        pairs: isCounted ? new Map() : undefined,
      };
      tallies.set(key, tally);
    }
    tally.kept += 1;
    tally.firstAtMs = Math.min(tally.firstAtMs, record.atMs);
    if (record.atMs > tally.example.atMs) tally.example = record;
    tally.pairs?.set(`${record.failure} ${record.listener}`, [record.failure, record.listener]);
  }
  const groups = [...tallies.values()].map((tally) => groupOf(tally, countOf));
  return {
    groups: groups
      .toSorted((one, other) => other.count - one.count || other.lastAtMs - one.lastAtMs)
      .slice(0, limit),
    total: groups.length,
    kept,
  };
}

function groupOf(
  { values, kept, firstAtMs, example, pairs }: Tally,
  countOf: FailureCount,
): HandshakeGroup {
  let counted = 0;
  for (const [cause, listener] of pairs?.values() ?? []) counted += countOf(listener, cause);
  const explained = explainHandshake(example);
  return {
    ...(values as Pick<HandshakeGroup, HandshakeGrouping>),
    // The counters of a worker may arrive later than its records.
    count: Math.max(kept, counted),
    kept,
    firstAtMs: Math.floor(firstAtMs),
    lastAtMs: Math.floor(example.atMs),
    example: explained,
    hint: explained.hint,
  };
}
