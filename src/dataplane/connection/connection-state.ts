import type { GroupName } from "#model/tls/cipher-suites.ts";
import type {
  EndpointMetricName,
  HandshakeMetricName,
  ListenerMetricName,
} from "#model/records/metric-catalog.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import type { ClientTlsRules, EndpointRules, ListenerRules } from "../listener-rules.ts";
import type { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Clock } from "../live/clock.ts";
import type { Deadlined, Deadlines } from "../live/deadlines.ts";
import type { LiveListener } from "../live-listeners.ts";
import type { OpenConnections } from "../live/open-connections.ts";
import type { Opening, OpeningMemory } from "../live/opening-memory.ts";
import type { RelayMemory } from "../live/relay-memory.ts";
import { slotOf } from "../observe/counters.ts";
import type { Recorder } from "../observe/recorder.ts";
import type { AnnouncedClient } from "../proxy-protocol/parse-proxy-header.ts";
import type { ClientHello } from "../tls/client-hello.ts";
import type { ContextStore } from "../tls/context-store.ts";
import type { PeerCertificate, TlsFacts, Wire, WireSocket } from "../wire/wire.ts";

/** What every connection of a worker shares. */
export interface Plane {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly contexts: ContextStore;
  readonly deadlines: Deadlines;
  readonly connections: OpenConnections;
  readonly openingMemory: OpeningMemory;
  readonly relayMemory: RelayMemory;
  readonly recorder: Recorder;
  /** Connections that a worker may have open in all; changes with the snapshot. */
  maxConnections: number;
  /** Makes connection ids unlike those of other workers. */
  readonly idPrefix: string;
}

/** What the endpoint is to be told of a PROXY header that came in. */
export interface Announced {
  /** It is undefined if the header announced no addresses: the socket's own are then sent. */
  readonly client: AnnouncedClient | undefined;
  readonly tlvs: Buffer;
}

export interface DeadlineListener {
  deadlinePassed(): void;
}

const NO_DEADLINE: DeadlineListener = { deadlinePassed() {} };
const BYTES_FROM_CLIENTS = slotOf("tlsd_bytes_from_clients_total");
const BYTES_TO_CLIENTS = slotOf("tlsd_bytes_to_clients_total");
const SAMPLE_EVERY = 100;
let sequence = 0;

/**
 * What is known of one connection from accept to its end. The stages fill it in; finish.ts reads it, and connection.ts
 * leads its ends there. `Metric` names what is counted besides the metrics of every mode.
 */
export abstract class ConnectionState<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
>
  implements Deadlined, Opening
{
  readonly plane: Plane;
  readonly listener: LiveListener<Rules, Metric>;
  readonly #sequence: number;
  readonly isLogged: boolean;
  readonly atMs = Date.now();
  readonly acceptedMs: number;
  /** The raw socket until the handshake, the TLS socket from then on. */
  client: WireSocket;
  /** The endpoint that is tried or used. */
  lease: EndpointLease | undefined;
  clientAddress: string;
  clientPort: number;
  /** The socket's peer, where a PROXY header announced the client. */
  proxyAddress: string | undefined;
  /** It may hold 64 KB, so it is dropped as soon as an endpoint has been told. */
  announced: Announced | undefined;
  /** The unique id in the PROXY header that came in, as access lines show it. */
  uniqueId: string | undefined;
  /** Whether the connection is a health check so far: its PROXY header announced no client, and no byte has followed. */
  isProbe = false;
  serverName: string | undefined;
  /** Until the handshake is done: of an open connection nobody asks, and it is large. */
  hello: ClientHello | undefined;
  tls: TlsFacts | undefined;
  /** Of the key exchange; undefined where a session was resumed without one. */
  group: GroupName | undefined;
  peerCertificate: PeerCertificate | undefined;
  endpointFailure: EndpointFailure | undefined;
  /** Milliseconds after accept; -1 where it has not come to it. */
  handshakeMs = -1;
  connectMs = -1;
  firstByteMs = -1;
  bytesFromClient = 0;
  bytesToClient = 0;
  /** How many of these the counters of the listener have been told. */
  #countedFromClient = 0;
  #countedToClient = 0;
  openingBytes = 0;
  /** Counted against the limits; given back at its end. */
  isAdmitted = false;
  /** The handshake is done, or the listener needs none. */
  isOpen = false;
  /** It may still ask for material of its listener: it is admitted, and neither relayed nor over. */
  isPending = false;
  /** Its end is recorded; whatever comes now is late. */
  isOver = false;
  /** Of the relay: shorter once one side has ended its half. */
  idleMs = 0;
  deadlineAtMs = Number.POSITIVE_INFINITY;
  /** Who is told that the deadline has passed. */
  deadline: DeadlineListener = NO_DEADLINE;

  constructor(plane: Plane, listener: LiveListener<Rules, Metric>, client: WireSocket) {
    this.plane = plane;
    this.acceptedMs = plane.clock.nowMs();
    this.listener = listener;
    this.client = client;
    this.clientAddress = client.peerAddress;
    this.clientPort = client.peerPort;
    sequence += 1;
    this.#sequence = sequence;
    const { accessLog } = listener.rules.spec;
    this.isLogged =
      accessLog === "full" || (accessLog === "sampled" && sequence % SAMPLE_EVERY === 0);
  }

  /** The newest rules of its listener. A stage that needs them twice across a wait decides which of the two it means. */
  get rules(): Rules {
    return this.listener.rules;
  }

  /** From here on the connection needs no certificate, CA set or endpoint of its listener. */
  settle(): void {
    if (!this.isPending) return;
    this.isPending = false;
    this.listener.settleOne();
  }

  /** Adds the bytes since the last call to the counters: with each report while the connection is open, and at its end. */
  countBytes(): void {
    const { counters } = this.listener;
    if (this.bytesFromClient !== this.#countedFromClient) {
      counters.add(BYTES_FROM_CLIENTS, this.bytesFromClient - this.#countedFromClient);
      this.#countedFromClient = this.bytesFromClient;
    }
    if (this.bytesToClient !== this.#countedToClient) {
      counters.add(BYTES_TO_CLIENTS, this.bytesToClient - this.#countedToClient);
      this.#countedToClient = this.bytesToClient;
    }
  }

  /** Ends the connection, as the drain deadline has passed. */
  abstract cut(): void;
  /** Ends the connection, as what clients have sent before their handshakes are done is over its limit. */
  abstract shed(): void;
  /** Ends the connection, which waits for its endpoint, as another needs its place. */
  abstract giveUp(this: EndpointConnection): void;

  onDeadline(): void {
    this.deadline.deadlinePassed();
  }

  setDeadline(ms: number, listener: DeadlineListener): void {
    this.deadlineAtMs = this.plane.deadlines.in(ms);
    this.deadline = listener;
  }

  /** Made when it is asked for, which for most connections it never is. */
  get id(): string {
    return `${this.plane.idPrefix}-${this.#sequence.toString(36)}`;
  }

  /** Milliseconds since accept. */
  elapsedMs(): number {
    return this.plane.clock.nowMs() - this.acceptedMs;
  }
}

/** A connection of a mode that terminates the TLS of clients. */
export type TlsConnection = ConnectionState<ClientTlsRules, HandshakeMetricName>;

/** A connection of a mode that uses endpoints. */
export type EndpointConnection = ConnectionState<EndpointRules, EndpointMetricName>;
