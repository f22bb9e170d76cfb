import { evenlyOf } from "#model/evenly.ts";
import { DirectorError } from "#model/failure.ts";
import type {
  ConnectionFilter,
  CutConnections,
  OpenConnections,
} from "#model/records/open-connection.ts";
import type { OrphansStatus } from "#model/records/orphans-status.ts";
import type { EventBus } from "#control/event-bus.ts";
import type { WorkerHandle } from "./worker-handle.ts";

const MAX_WAITING = 16;

export interface ConnectionRequestsParts {
  readonly workers: () => readonly Pick<WorkerHandle, "queries">[];
  /** Workers that cannot be asked. */
  readonly orphans: () => OrphansStatus | undefined;
  readonly bus: EventBus;
}

/** Lists and cuts the open connections of all workers. One request runs at a time, because a worker answers one at a time. */
export class ConnectionRequests {
  readonly #parts: ConnectionRequestsParts;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: ConnectionRequestsParts) {
    this.#parts = parts;
  }

  /** Rejects with `too-many-requests`. */
  list(filter: ConnectionFilter, limit: number): Promise<OpenConnections> {
    return this.#inTurn(async () => {
      const workers = this.#parts.workers();
      const replies = await Promise.all(workers.map(({ queries }) => queries.list(filter, limit)));
      const answers = replies.filter((reply) => reply !== undefined);
      const all = answers.flatMap(({ connections }) => connections);
      const connections = evenlyOf(
        all.toSorted((one, other) => one.atMs - other.atMs),
        limit,
      );
      return {
        total: answers.reduce((sum, { total }) => sum + total, 0),
        shown: connections.length,
        ...this.#missingOf(workers.length - answers.length),
        connections,
      };
    });
  }

  /** Rejects with `too-many-requests`. */
  cut(filter: ConnectionFilter): Promise<CutConnections> {
    return this.#inTurn(async () => {
      const workers = this.#parts.workers();
      const replies = await Promise.all(workers.map(({ queries }) => queries.cut(filter)));
      const answers = replies.filter((reply) => reply !== undefined);
      const cut = answers.reduce((sum, reply) => sum + reply.cut, 0);
      this.#parts.bus.publish({ name: "connections-cut", filter, cut });
      return { cut, ...this.#missingOf(workers.length - answers.length) };
    });
  }

  /** Returns which workers have connections that the reply leaves out. */
  #missingOf(silentWorkers: number): Pick<CutConnections, "silentWorkers" | "orphans"> {
    const orphans = this.#parts.orphans();
    return { silentWorkers, ...(orphans === undefined ? {} : { orphans }) };
  }

  async #inTurn<Result>(request: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MAX_WAITING) throw new DirectorError("too-many-requests");
    this.#waiting += 1;
    const turn = this.#tail.then(() => {
      this.#waiting -= 1;
      return request();
    });
    this.#tail = turn.catch(belongsToCaller);
    return turn;
  }
}

/** Ignores the failure of a request. Its caller gets the error. The next request only waits for the end. */
const belongsToCaller = (): void => undefined;
