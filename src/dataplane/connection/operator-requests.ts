import { setTimeout as delay } from "node:timers/promises";
import { cidrsContain, parseCidr } from "#model/addresses/cidr.ts";
import { evenlyOf } from "#model/evenly.ts";
import { matchesPattern } from "#model/name-pattern.ts";
import type {
  ConnectionFilter,
  ConnectionStage,
  OpenConnection,
} from "#model/records/open-connection.ts";
import { endpointKeyOf } from "#model/records/snapshot.ts";
import type { SendOutcome } from "#protocol/channel.ts";
import type { ToControl, ToWorker } from "#protocol/messages.ts";
import type { ConnectionState, Plane } from "./connection-state.ts";
import { cutInSlices } from "./cut-in-slices.ts";
import { cutConnection } from "./finish.ts";

type Request<Name extends ToWorker["type"]> = Extract<ToWorker, { readonly type: Name }>;

/** Rates are measured between two looks at the byte counts, so that nothing is measured while nobody asks. */
const RATE_WINDOW_MS = 500;

export interface OperatorRequestsParts {
  readonly plane: Plane;
  readonly send: (message: ToControl) => SendOutcome;
}

/** Lists and cuts open connections for operators. */
export class OperatorRequests {
  readonly #parts: OperatorRequestsParts;

  constructor(parts: OperatorRequestsParts) {
    this.#parts = parts;
  }

  receive(request: Request<"list-connections" | "cut-connections">): void {
    const done = request.type === "list-connections" ? this.#list(request) : this.#cut(request);
    done.catch((cause: unknown) => {
      const text = `The worker failed at ${request.type}: ${String(cause)}`.slice(0, 500);
      this.#parts.send({ type: "notice", level: "error", text });
    });
  }

  async #list({ number, filter, limit }: Request<"list-connections">): Promise<void> {
    const { plane, send } = this.#parts;
    const matching = matchingIn(plane, filter);
    const shown = evenlyOf(matching, limit);
    const from = Float64Array.from(shown, ({ bytesFromClient }) => bytesFromClient);
    const to = Float64Array.from(shown, ({ bytesToClient }) => bytesToClient);
    const startedMs = plane.clock.nowMs();
    await delay(RATE_WINDOW_MS);
    const seconds = Math.max(plane.clock.nowMs() - startedMs, 1) / 1_000;
    let connections: readonly OpenConnection[] = shown.flatMap((connection, at) => {
      if (connection.isOver) return [];
      const fromBytes = connection.bytesFromClient - (from[at] ?? 0);
      const toBytes = connection.bytesToClient - (to[at] ?? 0);
      return [descriptionOf(connection, fromBytes / seconds, toBytes / seconds)];
    });
    const total = matching.length;
    while (send({ type: "connections", number, total, connections }) === "too-large") {
      connections = evenlyOf(connections, Math.floor(connections.length / 2));
    }
  }

  async #cut({ number, filter }: Request<"cut-connections">): Promise<void> {
    const { plane, send } = this.#parts;
    const cut = await cutInSlices(matchingIn(plane, filter), (connection) =>
      cutConnection(connection, "cut-by-operator"),
    );
    send({ type: "cut", number, cut });
  }
}

function matchingIn(plane: Plane, filter: ConnectionFilter): readonly ConnectionState[] {
  const { vnic, listener, server, client } = filter;
  const clients = client === undefined ? undefined : [parseCidr(client)];
  return Array.from(plane.connections.all()).filter((connection) => {
    const { spec } = connection.rules;
    return (
      (vnic === undefined || matchesPattern(vnic, spec.vnic)) &&
      (listener === undefined || matchesPattern(listener, spec.name)) &&
      (server === undefined || isOn(server, connection)) &&
      (clients === undefined || cidrsContain(clients, connection.clientAddress))
    );
  });
}

/** A connection of HTTP/2 can be on several servers. */
function isOn(pattern: string, connection: ConnectionState): boolean {
  for (const { server } of connection.uses?.() ?? [connection]) {
    if (server !== undefined && matchesPattern(pattern, server)) return true;
  }
  return false;
}

function stageOf(connection: ConnectionState): ConnectionStage {
  if (!connection.isOpen) return "opening";
  if (connection.isIdle) return "idle";
  for (const { lease } of connection.uses?.() ?? [connection]) {
    if (lease?.isOpen === true) return "relaying";
  }
  return "connecting";
}

function descriptionOf(
  connection: ConnectionState,
  fromClientPerSecond: number,
  toClientPerSecond: number,
): OpenConnection {
  const { rules, proxyAddress, serverName, server, lease } = connection;
  return {
    id: connection.id,
    atMs: connection.atMs,
    listener: rules.spec.name,
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    ...(proxyAddress === undefined ? {} : { proxyAddress }),
    stage: stageOf(connection),
    ...(serverName === undefined ? {} : { serverName }),
    ...(server === undefined ? {} : { server }),
    ...(lease === undefined ? {} : { endpoint: endpointKeyOf(lease.candidate.endpoint) }),
    ageMs: Math.round(connection.elapsedMs()),
    bytesFromClient: connection.bytesFromClient,
    bytesToClient: connection.bytesToClient,
    fromClientPerSecond: Math.round(fromClientPerSecond),
    toClientPerSecond: Math.round(toClientPerSecond),
  };
}
