import { totalmem } from "node:os";
import type { CertificateReport } from "#model/records/certificate-report.ts";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { LISTENER_MODES, type ListenerMode } from "#model/listener-mode.ts";
import {
  serverPairOf,
  type CertificateName,
  type ListenerName,
  type ServerPair,
} from "#model/names.ts";
import { LISTENER_METRICS, slotCountOf } from "#model/records/metric-catalog.ts";
import { certificateNamesOf, endpointsOf, metricsOf } from "#model/records/mode-records.ts";
import type { OpenConnection } from "#model/records/open-connection.ts";
import type { ServerReport } from "#model/records/server-report.ts";
import type { Snapshot, SnapshotListener } from "#model/records/snapshot.ts";
import type { ToControl } from "#protocol/messages.ts";
import { LineIntake, type TakenLines } from "./line-intake.ts";
import { PlausibleCounts } from "./plausible-counts.ts";
import { TrafficBounds, type TrafficKind } from "./traffic-bounds.ts";
import { tryWorkerMessage } from "./worker-message.ts";

export type Taken = { readonly message: ToControl } | { readonly objection: string };

/** For each slot, whether a listener of the mode counts in it. */
function carriedBy(mode: ListenerMode): readonly boolean[] {
  const carried = new Set(metricsOf(mode));
  return LISTENER_METRICS.flatMap((metric) =>
    Array.from({ length: slotCountOf(metric) }, () => carried.has(metric)),
  );
}

const CARRIED = new Map(LISTENER_MODES.map((mode) => [mode, carriedBy(mode)]));
const NOTHING: readonly boolean[] = [];

/** Checks everything that a worker sends. Only what a healthy worker can have sent is passed on. */
export class WorkerIntake {
  readonly #bornMs = performance.now();
  readonly #traffic = new TrafficBounds();
  readonly #counts = new PlausibleCounts();
  readonly #lines = new LineIntake();
  /** The slots of each listener that the worker has been told of. A port whose mode has changed has those of both modes. */
  readonly #carried = new Map<ListenerName, readonly boolean[]>();
  /** The listeners that `expect` has seen. Those that a change does not touch are the same objects. */
  readonly #expected = new WeakSet<SnapshotListener>();
  /** The listeners with an access log. */
  readonly #logged = new Set<ListenerName>();
  /** The vNICs and servers that the worker has been told of. */
  readonly #servers = new Set<ServerPair>();
  /** The certificates that the worker has been told of. */
  readonly #certificates = new Set<CertificateName>();
  /** The highest connection limit of all snapshots that the worker has received. */
  #maxOpen = 0;

  /** Allows messages about this snapshot, which the worker is about to receive. */
  expect({ listeners, maxConnections }: Snapshot): void {
    for (const listener of listeners) {
      if (this.#expected.has(listener)) continue;
      this.#expected.add(listener);
      const { name, mode, accessLog, vnic } = listener;
      for (const { server } of endpointsOf(listener) ?? []) {
        this.#servers.add(serverPairOf(vnic, server));
      }
      for (const one of certificateNamesOf(listener)) this.#certificates.add(one);
      this.#allow(name, CARRIED.get(mode) ?? NOTHING);
      if (accessLog !== "off") this.#logged.add(name);
      this.#lines.expect(listener);
    }
    this.#maxOpen = Math.max(this.#maxOpen, maxConnections);
  }

  #allow(listener: ListenerName, carried: readonly boolean[]): void {
    const before = this.#carried.get(listener);
    if (before === carried) return;
    const both = before && carried.map((isCarried, slot) => isCarried || before[slot] === true);
    this.#carried.set(listener, both ?? carried);
  }

  passTime(seconds: number): void {
    this.#traffic.leak(seconds);
  }

  /** Checks a frame of access lines. */
  takeLines(bytes: Buffer): TakenLines {
    const flood = this.#floodOf("frames of lines", 1);
    if (flood !== undefined) return { objection: flood };
    const taken = this.#lines.take(bytes);
    if ("objection" in taken || this.#counts.canHaveDropped(taken.dropped)) return taken;
    return { objection: "The worker sends access lines of no known form." };
  }

  take(value: unknown, bytes: number): Taken {
    const flood = this.#floodOf("messages", 1) ?? this.#floodOf("bytes", bytes);
    if (flood !== undefined) return { objection: flood };
    const message = tryWorkerMessage(value, this.#carried, this.#servers, this.#certificates);
    if (message === undefined) return { objection: "The worker sent an unknown message." };
    const objection = this.#objectionTo(message);
    return objection === undefined ? { message } : { objection };
  }

  /** Returns an objection if the worker has printed more than it may, otherwise undefined. */
  objectionToPrinted(bytes: number): string | undefined {
    return this.#floodOf("printed bytes", bytes);
  }

  #floodOf(kind: TrafficKind, amount: number): string | undefined {
    const isWithin = this.#traffic.add(kind, amount);
    return isWithin ? undefined : `The worker floods the control process with too many ${kind}.`;
  }

  #objectionTo(message: ToControl): string | undefined {
    switch (message.type) {
      case "heartbeat": {
        this.#counts.passTime();
        const { openConnections, residentBytes, loopDelayMs } = message;
        const isPossible =
          openConnections <= this.#maxOpen &&
          residentBytes <= totalmem() &&
          loopDelayMs <= performance.now() - this.#bornMs;
        return isPossible ? undefined : "The worker sent an impossible heartbeat.";
      }
      case "counted":
        return this.#objectionToCounts(message.listeners);
      case "events": {
        const { handshakes, connections, dropped } = message;
        if (!this.#counts.canHaveDropped(dropped))
          return `The worker reported an impossible number of dropped records: ${dropped}.`;
        if (!connections.every((record) => this.#mayBeLogged(record))) {
          return "The worker sent an access line for a listener whose access log is off.";
        }
        return this.#floodOf("records", handshakes.length + connections.length);
      }
      case "servers":
        return this.#objectionToServers(message.servers);
      case "certificates":
        return this.#objectionToCertificates(message.certificates);
      case "connections": {
        const { total, connections } = message;
        const isPossible =
          total <= this.#maxOpen &&
          connections.length <= total &&
          connections.every((connection) => this.#isPossible(connection));
        if (!isPossible) return "The worker sent an impossible list of connections.";
        return this.#floodOf("records", connections.length);
      }
      case "cut":
      case "cut-at-deadline":
      case "drained":
        return message.cut <= this.#maxOpen
          ? undefined
          : `The worker reported an impossible number of cut connections: ${message.cut}.`;
      // These have no amounts to check. WorkerHandle checks whether a reply is due.
      case "ready":
      case "prepared":
      case "refused":
      case "committed":
      case "rolled-back":
      case "notice":
      case "proving":
      case "draining":
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #objectionToServers(servers: readonly ServerReport[]): string | undefined {
    this.#counts.passTime();
    const isPossible = servers.every(
      ({ openConnections, connects, failures, failuresInARow }) =>
        openConnections <= this.#maxOpen &&
        this.#counts.canHaveTried(connects + failures) &&
        this.#counts.canHaveFailedInARow(failuresInARow),
    );
    return isPossible ? undefined : "The worker reported impossible counts of a server.";
  }

  #objectionToCertificates(reports: readonly CertificateReport[]): string | undefined {
    this.#counts.passTime();
    const isPossible = reports.every(({ counts }) => this.#counts.canHaveShakenHands(counts));
    return isPossible ? undefined : "The worker reported impossible counts of a certificate.";
  }

  #isPossible(connection: OpenConnection): boolean {
    const { ageMs, bytesFromClient, bytesToClient } = connection;
    return (
      this.#counts.canBeOpenSince(ageMs) &&
      this.#counts.canHaveRelayed(Math.max(bytesFromClient, bytesToClient)) &&
      this.#counts.canHaveRelayed(
        Math.max(connection.fromClientPerSecond, connection.toClientPerSecond),
      )
    );
  }

  #mayBeLogged({ listener, outcome }: ConnectionRecord): boolean {
    return outcome === "endpoint-failed" || this.#logged.has(listener);
  }

  #objectionToCounts(listeners: Readonly<Record<string, readonly number[]>>): string | undefined {
    this.#counts.passTime();
    for (const [name, pairs] of Object.entries(listeners)) {
      const carried = this.#carried.get(name as ListenerName) ?? NOTHING;
      const objection = this.#counts.objectionTo(pairs, this.#maxOpen, carried);
      if (objection !== undefined) return `The worker reported an impossible count: ${objection}.`;
    }
    return undefined;
  }
}
