import { profileOfVnic, type VnicName } from "#model/names.ts";
import type { Balance } from "#model/document/profile.ts";
import { checkedKeyOf, endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { ServerFigures } from "../observe/server-figures.ts";
import type { EndpointHealth, EndpointHealths } from "./endpoint-health.ts";

export interface Candidate {
  readonly endpoint: SnapshotEndpoint;
  /** The profile to which the server belongs. */
  readonly profile: string;
  readonly key: string;
  /** Undefined if the listener has no active check. */
  readonly checkedKey: string | undefined;
  readonly health: EndpointHealth;
  readonly figures: ServerFigures;
  readonly weight: number;
  /** By how much the candidate is due, compared with the others of its list. It changes with each connection. */
  due: number;
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

/** The endpoints of one route of a listener, and the order in which a connection tries them. */
export class EndpointSet {
  readonly #servers: readonly Candidate[];
  readonly #standby: readonly Candidate[];
  readonly #balance: Balance;
  readonly #healths: EndpointHealths;
  readonly #profile: string;

  /**
   * `vnic` is that of the listener. `check` is the name of the settings of the active check. `profile` has the servers, and is that of
   * the vNIC by default.
   */
  constructor(
    servers: readonly SnapshotEndpoint[],
    standby: readonly SnapshotEndpoint[],
    balance: Balance,
    healths: EndpointHealths,
    vnic: VnicName,
    check?: string,
    profile = profileOfVnic(vnic),
  ) {
    const candidateOf = (endpoint: SnapshotEndpoint): Candidate => {
      const key = endpointKeyOf(endpoint);
      const figures = healths.servers.of(vnic, endpoint.server);
      const weight = endpoint.kind === "tcp" ? endpoint.weight : 1;
      const checkedKey = check === undefined ? undefined : checkedKeyOf(check, key);
      const health = healths.of(key);
      return { endpoint, profile, key, checkedKey, health, figures, weight, due: 0 };
    };
    const isUsed = ({ weight }: Candidate): boolean => weight > 0;
    this.#servers = servers.map(candidateOf).filter(isUsed);
    this.#standby = standby.map(candidateOf).filter(isUsed);
    this.#balance = balance;
    this.#healths = healths;
    this.#profile = profile;
  }

  /** Whether the standby servers serve. It changes while the set is in use. */
  get isOnStandby(): boolean {
    return this.#standby.length > 0 && this.#healths.isOnStandby(this.#profile);
  }

  /**
   * Returns the endpoints, best first: those that are healthy in the order of balance, then those that are down, because
   * a connect may still succeed. They are the servers of the profile. While the profile is on standby, they are the
   * standby servers, and the servers come after them as the last resort. Otherwise standby servers are not tried at all,
   * because the control process decides for all workers when these serve.
   */
  inOrder(clientAddress: string, nowMs: number): readonly Candidate[] {
    const { isOnStandby } = this;
    if (!isOnStandby && this.#servers.length === 1) return this.#servers;
    const groups = isOnStandby ? [this.#standby, this.#servers] : [this.#servers];
    const isUp = ({ health, checkedKey }: Candidate): boolean =>
      health.isUp(nowMs) && (checkedKey === undefined || !this.#healths.isCheckedDown(checkedKey));
    const isDown = (candidate: Candidate): boolean => !isUp(candidate);
    // Healthy endpoints are ranked separately. Otherwise the neighbour of an endpoint that is down would get a double
    // share.
    return [isUp, isDown].flatMap((isInState) =>
      groups.flatMap((group) => this.#ranked(group.filter(isInState), clientAddress)),
    );
  }

  /** Returns whether a new connection may use the endpoint of the candidate, which may be of an older set. */
  has({ key }: Candidate): boolean {
    return [...this.#servers, ...this.#standby].some((candidate) => candidate.key === key);
  }

  #ranked(candidates: readonly Candidate[], clientAddress: string): readonly Candidate[] {
    if (candidates.length < 2) return candidates;
    switch (this.#balance) {
      case "round-robin":
        return inTurn(candidates);
      case "least-connections":
        // Endpoints with the same number of connections for their weight take turns.
        return inTurn(candidates).toSorted((one, other) => loadOf(one) - loadOf(other));
      case "client-hash":
        // Weighted rendezvous hashing. When an endpoint is added or removed, only its own clients move.
        return candidates
          .map((candidate) => ({ candidate, score: scoreOf(candidate, clientAddress) }))
          .toSorted((one, other) => other.score - one.score)
          .map(({ candidate }) => candidate);
      default:
        return this.#balance satisfies never;
    }
  }
}

/**
 * Starts the list at the candidate that is most due, and lets the others become more due by their weights. So each is first as
 * often as its weight says, and the turns of one are spread evenly.
 */
function inTurn(candidates: readonly Candidate[]): readonly Candidate[] {
  let [first] = candidates;
  let total = 0;
  for (const candidate of candidates) {
    candidate.due += candidate.weight;
    total += candidate.weight;
    if (first === undefined || candidate.due > first.due) first = candidate;
  }
  if (first === undefined) return candidates;
  first.due -= total;
  const at = candidates.indexOf(first);
  return [...candidates.slice(at), ...candidates.slice(0, at)];
}

/** The connections for each unit of weight if the candidate gets one more. */
const loadOf = ({ health, weight }: Candidate): number => (health.openConnections + 1) / weight;

/** The score of rendezvous hashing with weights: the highest of n scores is that of each candidate in proportion to its weight. */
const scoreOf = ({ key, weight }: Candidate, clientAddress: string): number =>
  weight / -Math.log((hashOf(`${clientAddress} ${key}`) + 0.5) / 2 ** 32);
