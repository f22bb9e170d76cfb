import type { GroupName } from "#model/tls/cipher-suites.ts";
import type {
  EndpointMetricName,
  HandshakeMetricName,
  ListenerMetricName,
} from "#model/records/metric-catalog.ts";
import type { CertificateName } from "#model/names.ts";
import type { ConnectionOutcome, EndpointFailure } from "#model/records/outcome.ts";
import type { ClientTlsRules, EndpointRules, ListenerRules } from "../listener-rules.ts";
import type { EndpointSet } from "../endpoint/endpoint-set.ts";
import type { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Clock } from "../live/clock.ts";
import type { HttpPlane } from "../http/http-plane.ts";
import type { Deadlined, Deadlines } from "../live/deadlines.ts";
import type { LiveListener } from "../live-listeners.ts";
import type { OpenConnections } from "../live/open-connections.ts";
import type { Opening, OpeningMemory } from "../live/opening-memory.ts";
import type { RelayMemory } from "../live/relay-memory.ts";
import type { AccessLines } from "../observe/access-lines.ts";
import type { CertificateCounts } from "../observe/certificate-counts.ts";
import { slotOf } from "../observe/counters.ts";
import type { Recorder } from "../observe/recorder.ts";
import type { AnnouncedClient } from "../proxy-protocol/parse-proxy-header.ts";
import type { ClientHello } from "../tls/client-hello.ts";
import type { ContextStore } from "../tls/context-store.ts";
import type { IdentityKey } from "../tls/tls-identity.ts";
import type { PeerCertificate, TlsFacts, Wire, WireSocket } from "../wire/wire.ts";

/** The state that all connections of a worker share. */
export interface Plane {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly contexts: ContextStore;
  readonly deadlines: Deadlines;
  readonly connections: OpenConnections<ConnectionState>;
  readonly openingMemory: OpeningMemory;
  readonly relayMemory: RelayMemory;
  readonly recorder: Recorder;
  readonly accessLines: AccessLines;
  readonly certificates: CertificateCounts;
  readonly http: HttpPlane;
  /** How many connections the worker may have open in total. Each commit sets it. */
  maxConnections: number;
  /** Prefix of connection ids that differs between workers. */
  readonly idPrefix: string;
}

/** The parts of a received PROXY header that are passed on to the endpoint. */
export interface Announced {
  /** Undefined if the header announced no addresses. The addresses of the socket are then sent. */
  readonly client: AnnouncedClient | undefined;
  readonly tlvs: Buffer;
}

export interface DeadlineListener {
  deadlinePassed(): void;
}

/** One of the endpoints that a connection uses at the same time. */
export interface EndpointUse {
  readonly server: string | undefined;
  readonly lease: EndpointLease | undefined;
  /** When the endpoint was connected, in milliseconds of the clock. */
  readonly connectedAtMs: number;
  /** Ends what the client does with the endpoint, because its server was drained. */
  endDrained(): void;
}

const NO_DEADLINE: DeadlineListener = { deadlinePassed() {} };
const BYTES_FROM_CLIENTS = slotOf("tlsd_bytes_from_clients_total");
const BYTES_TO_CLIENTS = slotOf("tlsd_bytes_to_clients_total");
const SAMPLE_EVERY = 100;
let sequence = 0;

/**
 * The state of one connection from accept to its end. The stages fill it in, and finish.ts reads it. `Metric` names the
 * metrics that are counted in addition to those of every mode.
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
  readonly atMs = Date.now();
  readonly acceptedMs: number;
  /** The raw socket before the TLS handshake starts, then the TLS socket. */
  client: WireSocket;
  /** Name of the server whose endpoint was tried last. */
  server: string | undefined;
  /** The lease of the endpoint that is being connected or used. */
  lease: EndpointLease | undefined;
  /** Returns the endpoints in use, if there can be several at the same time. Undefined if `lease` is the only one. */
  uses: (() => Iterable<EndpointUse>) | undefined;
  clientAddress: string;
  clientPort: number;
  /** Address of the socket's peer, if a PROXY header announced another client. */
  proxyAddress: string | undefined;
  /** It can hold 64 KB, so it is dropped as soon as an endpoint has received it. */
  announced: Announced | undefined;
  /** The unique id in the received PROXY header, as access lines show it. */
  uniqueId: string | undefined;
  /**
   * Whether the connection looks like a health check so far: its PROXY header announced no client, and no byte followed
   * the header.
   */
  isProbe = false;
  serverName: string | undefined;
  /** Dropped after the handshake, because it is large and no later stage reads it. */
  hello: ClientHello | undefined;
  tls: TlsFacts | undefined;
  /** The server name as the client has sent it, by which the TLS identity and the route are looked up. Undefined if it has sent none. */
  identityName: string | undefined;
  /** The TLS identity with which the handshake started. */
  identity: IdentityKey | undefined;
  /** The certificate that was chosen for the client. Undefined as soon as it has no more use. */
  certificateName: CertificateName | undefined;
  /** The group of the key exchange. Undefined if a session was resumed without a key exchange. */
  group: GroupName | undefined;
  peerCertificate: PeerCertificate | undefined;
  /** The DER of the client's certificate, if the rules want it kept. */
  clientDer: Uint8Array | undefined;
  /** The JA4 fingerprint of the client, if the rules want it kept. */
  ja4: string | undefined;
  endpointFailure: EndpointFailure | undefined;
  /** This and the next two fields are milliseconds since accept, or -1 if the stage was not reached. */
  handshakeMs = -1;
  connectMs = -1;
  firstByteMs = -1;
  bytesFromClient = 0;
  bytesToClient = 0;
  /** The parts of the two byte counts that were already added to the counters of the listener. */
  #countedFromClient = 0;
  #countedToClient = 0;
  openingBytes = 0;
  /** Whether the connection is counted against the limits. Its end releases it. */
  isAdmitted = false;
  /** Whether the handshake is done or not needed. */
  isOpen = false;
  /**
   * Whether a later stage may still need material of the listener. True from admission until the relay starts or the
   * connection ends.
   */
  isPending = false;
  /** Whether the end of the connection is recorded. Events after that are ignored. */
  isOver = false;
  /** Whether the connection waits for the next request of its client. */
  isIdle = false;
  /** Whether the connection has an access line of its own, if it is logged. Exchanges have lines too. */
  hasOwnLine = true;
  /** What the lines of its exchanges say about the connection. Undefined before the first line in JSON. */
  lineFacts: string | undefined;
  /** Called when the connection has ended, before its lease is released. */
  onEnded: (() => void) | undefined;
  /** How the connection has ended. Undefined while it is open, and if it was never served. */
  ended: ConnectionOutcome | undefined;
  /** The idle deadline of the relay. It is shorter after one side has ended its direction. */
  idleMs = 0;
  deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  /** The stage that handles the deadline. */
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
  }

  /** Whether the access log of the listener has lines of this connection now. */
  get isLogged(): boolean {
    const { accessLog } = this.rules.spec;
    return accessLog === "full" || (accessLog === "sampled" && this.#sequence % SAMPLE_EVERY === 0);
  }

  /**
   * The newest rules of the listener. They can change while a stage waits, so a stage that must use the same rules
   * before and after a wait keeps a reference to them.
   */
  get rules(): Rules {
    return this.listener.rules;
  }

  /** Declares that the connection needs no further certificate, CA set or endpoint of its listener. */
  settle(): void {
    if (!this.isPending) return;
    this.isPending = false;
    this.listener.settleOne();
  }

  /**
   * Adds the bytes since the last call to the counters. It is called with each report while the connection is open, and
   * at its end.
   */
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

  /** Ends the connection because the drain deadline has passed. */
  abstract cut(): void;
  /** Ends the connection because unfinished handshakes hold more memory than the limit. */
  abstract shed(): void;
  /** Ends the connection, which waits for its endpoint, to make room for a new connection. */
  abstract giveUp(this: EndpointConnection): void;
  /** Tries the next endpoint if the newest rules do not have the one for which the connection waits. */
  abstract reconsider(this: EndpointConnection): void;

  /** Returns the newest endpoints for its server name. */
  abstract endpointSet(this: EndpointConnection): EndpointSet;
  /** Sends the endpoint a PROXY header, if the listener does. */
  abstract announce(endpoint: WireSocket): void;

  onDeadline(): void {
    this.deadline.deadlinePassed();
  }

  setDeadline(ms: number, listener: DeadlineListener): void {
    this.setDeadlineAt(this.plane.deadlines.in(ms), listener);
  }

  setDeadlineAt(atMs: number, listener: DeadlineListener): void {
    this.deadlineAtMs = atMs;
    this.deadline = listener;
  }

  /** Built on demand, because most connections never need it. */
  get id(): string {
    return `${this.plane.idPrefix}-${this.#sequence.toString(36)}`;
  }

  /** Returns the milliseconds since accept. */
  elapsedMs(): number {
    return this.plane.clock.nowMs() - this.acceptedMs;
  }
}

/** A connection of a mode that terminates the TLS of clients. */
export type TlsConnection = ConnectionState<ClientTlsRules, HandshakeMetricName>;

/** A connection of a mode that uses endpoints. */
export type EndpointConnection = ConnectionState<EndpointRules, EndpointMetricName>;
