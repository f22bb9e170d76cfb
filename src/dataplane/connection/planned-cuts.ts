import type { PlannedCut, ToControl } from "#protocol/messages.ts";
import type { Deadlined } from "../live/deadlines.ts";
import type { ConnectionState, EndpointUse, Plane } from "./connection-state.ts";
import { cutInSlices } from "./cut-in-slices.ts";
import { endConnection } from "./finish.ts";

interface Cut {
  readonly wanted: PlannedCut;
  readonly except: ReadonlySet<string>;
  /** Connections that were opened later go on. A server can still get some as a standby. */
  readonly plannedAtMs: number;
  readonly dueAtMs: number;
  /** It is kept after its deadline, because the control process may still send it with other cuts. */
  isDone: boolean;
}

interface PlannedCutsParts {
  readonly plane: Plane;
  readonly send: (message: ToControl) => void;
}

/** The deadlines at which a worker cuts open connections to servers. They hold also if the control process has ended. */
export class PlannedCuts implements Deadlined {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  readonly #parts: PlannedCutsParts;
  #cuts: ReadonlyMap<number, Cut> = new Map();

  constructor(parts: PlannedCutsParts) {
    this.#parts = parts;
  }

  /** Puts these cuts in place of all earlier ones. A cut that has a deadline already keeps it. */
  replace(wanted: readonly PlannedCut[]): void {
    const nowMs = this.#parts.plane.clock.nowMs();
    const earlier = this.#cuts;
    const cutOf = (cut: PlannedCut): Cut => {
      const {
        plannedAtMs = nowMs,
        dueAtMs = nowMs + cut.inMs,
        isDone = false,
      } = earlier.get(cut.number) ?? {};
      return { wanted: cut, except: new Set(cut.except), plannedAtMs, dueAtMs, isDone };
    };
    this.#cuts = new Map(wanted.map((cut) => [cut.number, cutOf(cut)]));
    this.onDeadline();
  }

  /** Carries out the cuts that are due, and moves the deadline to that of the next one. */
  onDeadline(): void {
    const { plane } = this.#parts;
    const nowMs = plane.clock.nowMs();
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    for (const cut of this.#cuts.values()) {
      if (cut.isDone) continue;
      if (cut.dueAtMs <= nowMs) this.#start(cut);
      else this.deadlineAtMs = Math.min(this.deadlineAtMs, cut.dueAtMs);
    }
    if (this.deadlineAtMs === Number.POSITIVE_INFINITY) plane.deadlines.remove(this);
    else plane.deadlines.add(this);
  }

  #start(cut: Cut): void {
    cut.isDone = true;
    this.#carryOut(cut).catch((cause: unknown) => {
      const text = `The worker failed to cut connections at a deadline: ${String(cause)}`;
      this.#parts.send({ type: "notice", level: "error", text: text.slice(0, 500) });
    });
  }

  async #carryOut(planned: Cut): Promise<void> {
    const { plane, send } = this.#parts;
    const matching = Array.from(plane.connections.all()).filter((each) =>
      isAffected(each, planned),
    );
    const cut = await cutInSlices(matching, (each) => cutOff(each, planned));
    if (cut > 0) send({ type: "cut-at-deadline", number: planned.wanted.number, cut });
  }
}

function isAffected(connection: ConnectionState, planned: Cut): boolean {
  const { uses, lease, acceptedMs, connectMs } = connection;
  if (uses === undefined) return isToCut({ lease, connectedAtMs: acceptedMs + connectMs }, planned);
  for (const use of uses()) if (isToCut(use, planned)) return true;
  return false;
}

/** A connection that uses several servers keeps those that are not drained. */
function cutOff(connection: ConnectionState, planned: Cut): void {
  const { uses } = connection;
  if (uses === undefined) endConnection(connection, "server-drained");
  else for (const use of uses()) if (isToCut(use, planned)) use.endDrained();
}

/** Connections to the remote hosts of egress listeners are not on a server. */
function isToCut(
  { lease, connectedAtMs }: Pick<EndpointUse, "lease" | "connectedAtMs">,
  { wanted, except, plannedAtMs }: Cut,
): boolean {
  if (lease?.isOpen !== true || lease.candidate.endpoint.kind === "remote") return false;
  if (connectedAtMs > plannedAtMs) return false;
  const { profile, endpoint } = lease.candidate;
  const { server } = endpoint;
  return wanted.profile === undefined
    ? wanted.server === server && !except.has(profile)
    : wanted.profile === profile && !except.has(server);
}
