import type { Balance } from "#model/document/profile.ts";
import { endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { EndpointHealth, EndpointHealths } from "./endpoint-health.ts";

export interface Candidate {
  readonly endpoint: SnapshotEndpoint;
  readonly key: string;
  readonly health: EndpointHealth;
}

/** FNV-1a, 32 bits: cheap, and even enough to spread clients. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // Mixed once more: the last characters alone differ between endpoints of one network.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The endpoints of one listener, and in which order a connection tries them. */
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
  ) {
    const candidateOf = (endpoint: SnapshotEndpoint): Candidate => {
      const key = endpointKeyOf(endpoint);
      return { endpoint, key, health: healths.of(key) };
    };
    this.#servers = servers.map(candidateOf);
    this.#standby = standby.map(candidateOf);
    this.#balance = balance;
  }

  /**
   * Best first: the healthy servers in the order of balance, then the healthy standby ones, then those that are down,
   * because a try may succeed and no try cannot.
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
    // Those that are up are ranked by themselves: the neighbour of one that is down gets no double share.
    return [isUp, isDown].flatMap((isWanted) =>
      groups.flatMap((group) => this.#ranked(group.filter(isWanted), turn, clientAddress)),
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
        // From another start each time, so that endpoints with equally many take turns.
        return inTurn.toSorted((a, b) => a.health.openConnections - b.health.openConnections);
      case "client-hash":
        // Rendezvous hashing: when an endpoint goes, only its own clients move.
        return candidates
          .map((candidate) => ({ candidate, weight: hashOf(`${clientAddress} ${candidate.key}`) }))
          .toSorted((a, b) => b.weight - a.weight)
          .map(({ candidate }) => candidate);
      default:
        return this.#balance satisfies never;
    }
  }
}
