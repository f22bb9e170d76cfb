import type { VnicName } from "#model/names.ts";
import type { Balance } from "#model/document/profile.ts";
import { endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { ServerFigures } from "../observe/server-figures.ts";
import type { EndpointHealth, EndpointHealths } from "./endpoint-health.ts";

export interface Candidate {
  readonly endpoint: SnapshotEndpoint;
  readonly key: string;
  readonly health: EndpointHealth;
  readonly figures: ServerFigures;
}

/** FNV-1a with 32 bits, which is fast and distributes clients evenly enough. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // The result is mixed again, because the keys of endpoints in one network differ only in their last characters.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The endpoints of one listener, and the order in which a connection tries them. */
export class EndpointSet {
  readonly #servers: readonly Candidate[];
  readonly #standby: readonly Candidate[];
  readonly #balance: Balance;
  #turn = 0;

  constructor(
    servers: readonly SnapshotEndpoint[],
    standby: readonly SnapshotEndpoint[],
    balance: Balance,
    healths: EndpointHealths,
    vnic: VnicName,
  ) {
    const candidateOf = (endpoint: SnapshotEndpoint): Candidate => {
      const key = endpointKeyOf(endpoint);
      const figures = healths.servers.of(vnic, endpoint.server);
      return { endpoint, key, health: healths.of(key), figures };
    };
    this.#servers = servers.map(candidateOf);
    this.#standby = standby.map(candidateOf);
    this.#balance = balance;
  }

  /**
   * Returns the endpoints, best first: the healthy servers in the order of balance, then the healthy standby servers,
   * then those that are down. The latter are tried last because a connect may still succeed.
   */
  inOrder(clientAddress: string, nowMs: number): readonly Candidate[] {
    const [only] = this.#servers;
    if (this.#servers.length === 1 && this.#standby.length === 0 && only !== undefined)
      return this.#servers;
    const turn = this.#turn;
    this.#turn += 1;
    const groups = [this.#servers, this.#standby];
    const isUp = ({ health }: Candidate): boolean => health.isUp(nowMs);
    const isDown = (candidate: Candidate): boolean => !isUp(candidate);
    // Healthy endpoints are ranked separately. Otherwise the neighbour of an endpoint that is down would get a double
    // share.
    return [isUp, isDown].flatMap((isInState) =>
      groups.flatMap((group) => this.#ranked(group.filter(isInState), turn, clientAddress)),
    );
  }

  #ranked(
    candidates: readonly Candidate[],
    turn: number,
    clientAddress: string,
  ): readonly Candidate[] {
    if (candidates.length < 2) return candidates;
    const first = turn % candidates.length;
    const inTurn = [...candidates.slice(first), ...candidates.slice(0, first)];
    switch (this.#balance) {
      case "round-robin":
        return inTurn;
      case "least-connections":
        // The list starts at another endpoint each time, so that endpoints with the same number of connections take
        // turns.
        return inTurn.toSorted((a, b) => a.health.openConnections - b.health.openConnections);
      case "client-hash":
        // Rendezvous hashing. When an endpoint is removed, only its own clients move to others.
        return candidates
          .map((candidate) => ({ candidate, weight: hashOf(`${clientAddress} ${candidate.key}`) }))
          .toSorted((a, b) => b.weight - a.weight)
          .map(({ candidate }) => candidate);
      default:
        return this.#balance satisfies never;
    }
  }
}
