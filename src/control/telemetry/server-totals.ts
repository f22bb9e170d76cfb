import { serverPairOf, type ServerPair, type VnicName } from "#model/names.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import type { ServerReport } from "#model/records/server-report.ts";

export interface ServerTotalsOptions {
  /** Returns the pairs of the document in force. */
  readonly pairsInForce: () => ReadonlySet<ServerPair>;
  readonly nowMs?: () => number;
}

/** What all workers have counted for one vNIC and one server. It changes when workers report. */
export interface ServerTotal {
  readonly vnic: VnicName;
  readonly server: string;
  readonly openConnections: number;
  readonly connects: number;
  readonly failures: number;
  /** Attempts that failed since any worker last established a connection. */
  readonly failuresInARow: number;
  readonly lastFailure: { readonly cause: EndpointFailure; readonly atMs: number } | undefined;
}

class Counted implements ServerTotal {
  readonly vnic: VnicName;
  readonly server: string;
  connects = 0;
  failures = 0;
  failuresInARow = 0;
  lastFailure: ServerTotal["lastFailure"];
  readonly openByWorker = new Map<number, number>();

  constructor({ vnic, server }: ServerReport) {
    this.vnic = vnic;
    this.server = server;
  }

  get openConnections(): number {
    let sum = 0;
    for (const open of this.openByWorker.values()) sum += open;
    return sum;
  }
}

/** Pairs are pruned when this many have been added, or as many as the document had at the last time if these are more. */
const PRUNE_AFTER = 256;

/** The counts of all workers by vNIC and server. Counters outlive a worker, and its open connections end with it. */
export class ServerTotals {
  readonly #options: ServerTotalsOptions;
  readonly #byServer = new Map<string, Map<VnicName, Counted>>();
  #untilPrune = PRUNE_AFTER;

  constructor(options: ServerTotalsOptions) {
    this.#options = options;
  }

  /**
   * The control process has checked that the pairs were sent to the worker. Returns the servers with a new failure, or with the
   * first connection of a vNIC, or its first after a failure. The state of the others has not changed.
   */
  add(workerId: number, reports: readonly ServerReport[]): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const report of reports) {
      const counted = this.#countedOf(report);
      if (report.failures > 0 || counted.failuresInARow > 0 || counted.connects === 0) {
        changed.add(report.server);
      }
      counted.connects += report.connects;
      counted.failures += report.failures;
      counted.failuresInARow =
        report.connects > 0
          ? report.failuresInARow
          : counted.failuresInARow + Math.min(report.failures, report.failuresInARow);
      if (report.failures > 0 && report.lastFailure !== undefined) {
        const atMs = (this.#options.nowMs ?? Date.now)();
        counted.lastFailure = { cause: report.lastFailure, atMs };
      }
      if (report.openConnections === 0) counted.openByWorker.delete(workerId);
      else counted.openByWorker.set(workerId, report.openConnections);
    }
    return changed;
  }

  gone(workerId: number): void {
    for (const counted of this.#all()) counted.openByWorker.delete(workerId);
  }

  /** Returns the totals of each vNIC that uses the server. */
  of(server: string): readonly ServerTotal[] {
    return [...(this.#byServer.get(server)?.values() ?? [])];
  }

  /** Returns the totals of every pair of the document, and of those that were removed and have open connections. */
  entries(): readonly ServerTotal[] {
    this.prune();
    return [...this.#all()];
  }

  *#all(): Iterable<Counted> {
    for (const counts of this.#byServer.values()) yield* counts.values();
  }

  #countedOf(report: ServerReport): Counted {
    const { vnic, server } = report;
    let counts = this.#byServer.get(server);
    if (counts === undefined) {
      counts = new Map();
      this.#byServer.set(server, counts);
    }
    let counted = counts.get(vnic);
    if (counted === undefined) {
      counted = new Counted(report);
      counts.set(vnic, counted);
      this.#untilPrune -= 1;
      if (this.#untilPrune <= 0) this.prune();
    }
    return counted;
  }

  /** Forgets the pairs that are not in the document and have no open connection. */
  prune(): void {
    const inForce = this.#options.pairsInForce();
    this.#untilPrune = Math.max(PRUNE_AFTER, inForce.size);
    for (const [server, counts] of this.#byServer) {
      for (const [vnic, { openByWorker }] of counts) {
        if (!inForce.has(serverPairOf(vnic, server)) && openByWorker.size === 0)
          counts.delete(vnic);
      }
      if (counts.size === 0) this.#byServer.delete(server);
    }
  }
}
