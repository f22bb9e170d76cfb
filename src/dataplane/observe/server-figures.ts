import { serverPairOf, type ServerPair, type VnicName } from "#model/names.ts";
import { isEndpointsFault, type EndpointFailure } from "#model/records/outcome.ts";
import type { ServerReport } from "#model/records/server-report.ts";
import { CountersByKey, type Countable } from "./counters-by-key.ts";

/** What one vNIC has done with the endpoints of one server. Counters are those since the last report. */
export class ServerFigures implements Countable<ServerReport> {
  readonly vnic: VnicName;
  readonly server: string;
  #openConnections = 0;
  #connects = 0;
  #failures = 0;
  #failuresInARow = 0;
  #lastFailure: EndpointFailure | undefined;
  #isTouched = false;

  constructor(vnic: VnicName, server: string) {
    this.vnic = vnic;
    this.server = server;
  }

  connected(): void {
    this.#openConnections += 1;
    this.#connects += 1;
    this.#failuresInARow = 0;
    this.#isTouched = true;
  }

  /** An idle connection is used again. */
  reused(): void {
    this.#openConnections += 1;
    this.#isTouched = true;
  }

  closed(): void {
    this.#openConnections -= 1;
    this.#isTouched = true;
  }

  /** A lack of resources in the director does not count. */
  failed(failure: EndpointFailure): void {
    if (!isEndpointsFault(failure)) return;
    this.#failures += 1;
    this.#failuresInARow += 1;
    this.#lastFailure = failure;
    this.#isTouched = true;
  }

  /** Whether everything was reported and no open connection can count more. */
  get isSettled(): boolean {
    return !this.#isTouched && this.#openConnections === 0;
  }

  /** Returns undefined if nothing changed since the last call. */
  takeChanges(): ServerReport | undefined {
    if (!this.#isTouched) return undefined;
    const report: ServerReport = {
      vnic: this.vnic,
      server: this.server,
      openConnections: this.#openConnections,
      connects: this.#connects,
      failures: this.#failures,
      failuresInARow: this.#failuresInARow,
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
    };
    this.#connects = 0;
    this.#failures = 0;
    this.#isTouched = false;
    return report;
  }
}

/** The figures of a worker by vNIC and server. */
export class ServersFigures extends CountersByKey<ServerPair, ServerFigures, ServerReport> {
  of(vnic: VnicName, server: string): ServerFigures {
    return this.itemOf(serverPairOf(vnic, server), () => new ServerFigures(vnic, server));
  }

  /** Returns the changes of at most `most` servers (`takeRound`), or undefined after the last server. */
  takeChanges(most: number): readonly ServerReport[] | undefined {
    const taken = this.takeRound(most);
    return taken.length === 0 ? undefined : taken.map(([, report]) => report);
  }
}
