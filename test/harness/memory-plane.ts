import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ListenerName, VnicName } from "#model/names.ts";
import { PRESETS } from "#model/document/policy.ts";
import type {
  SnapshotCertificate,
  SnapshotEndpoints,
  SnapshotListener,
  SnapshotListenerOf,
  SnapshotVnic,
} from "#model/records/snapshot.ts";
import { buildRuntime, EMPTY_RUNTIME } from "#dataplane/build-runtime.ts";
import { serveConnection } from "#dataplane/connection/connection.ts";
import type { Plane } from "#dataplane/connection/connection-state.ts";
import { EndpointHealths } from "#dataplane/endpoint/endpoint-health.ts";
import { atOnce } from "#dataplane/live/in-slices.ts";
import { HttpPlane } from "#dataplane/http/http-plane.ts";
import { LiveListeners, type LiveListener } from "#dataplane/live-listeners.ts";
import { Deadlines, type Deadlined } from "#dataplane/live/deadlines.ts";
import { OpenConnections } from "#dataplane/live/open-connections.ts";
import { OpeningMemory } from "#dataplane/live/opening-memory.ts";
import { RelayMemory } from "#dataplane/live/relay-memory.ts";
import { LINES_HEADER_BYTES } from "#protocol/line-frames.ts";
import { AccessLines } from "#dataplane/observe/access-lines.ts";
import { CertificateCounts } from "#dataplane/observe/certificate-counts.ts";
import { Counters } from "#dataplane/observe/counters.ts";
import { Recorder } from "#dataplane/observe/recorder.ts";
import { ContextStore } from "#dataplane/tls/context-store.ts";
import type { WireFailure, WireHandler, WireSocket } from "#dataplane/wire/wire.ts";
import { MemoryWire } from "./memory-wire.ts";
import { untilQuiet, VirtualClock } from "./virtual-clock.ts";

const vnic = "front.shop" as VnicName;
const clientAddress = "192.0.2.1";

const base = {
  name: "front.shop:1" as ListenerName,
  vnic,
  virtualIp: "127.0.0.1",
  port: 1,
  allowFrom: undefined,
  denyFrom: [],
  timeouts: { handshakeMs: 10_000, connectMs: 5_000, idleMs: 60_000, halfClosedMs: 30_000 },
  accessLog: "full",
} as const;

const endpoints: SnapshotEndpoints = {
  policy: PRESETS.modern,
  sessionScope: "",
  endpoints: [],
  standby: [],
  balance: "round-robin",
  endpointTls: undefined,
};

/** A listener without TLS, whose client sends no byte before it is relayed. */
export const egressListener: SnapshotListenerOf<"egress"> = {
  ...base,
  ...endpoints,
  mode: "egress",
};

/** A listener whose client has to begin with a ClientHello. */
export const tcpListener: SnapshotListenerOf<"tcp"> = {
  ...base,
  ...endpoints,
  mode: "tcp",
  certificates: [],
  strictServerName: false,
  clientAuth: { mode: "none", trust: undefined, partialChain: false },
  proxyProtocol: "none",
  acceptProxyProtocol: [],
};

/** A client or an endpoint in memory, with what it has been told. */
export class MemoryPeer implements WireHandler {
  readonly socket: WireSocket;
  /** Each character stands for one byte. */
  received = "";
  hasEnded = false;
  isClosed = false;
  failure: WireFailure["kind"] | undefined;

  constructor(socket: WireSocket) {
    this.socket = socket;
    socket.handler = this;
    socket.resume();
  }

  async send(text: string): Promise<void> {
    this.socket.write(Buffer.from(text));
    await untilQuiet();
  }

  /** Returns what was received since the last call. */
  take(): string {
    const { received } = this;
    this.received = "";
    return received;
  }

  /** Ends the half of the peer, and resolves when all that follows has happened. */
  async close(): Promise<void> {
    this.socket.end();
    await untilQuiet();
  }

  onOpen(): void {}
  onDrain(): void {}

  onData(chunk: Buffer): void {
    this.received += chunk.toString("latin1");
  }

  onEnd(): void {
    this.hasEnded = true;
  }

  onClose(failure: WireFailure | undefined): void {
    this.isClosed = true;
    this.failure = failure?.kind;
  }
}

/** Deadlines whose members a test counts. */
class CountedDeadlines extends Deadlines {
  readonly #counted = new Set<Deadlined>();

  get size(): number {
    return this.#counted.size;
  }

  override add(member: Deadlined): void {
    this.#counted.add(member);
    super.add(member);
  }

  override remove(member: Deadlined): void {
    this.#counted.delete(member);
    super.remove(member);
  }
}

/** What a worker's connections share, over a wire in memory and with a clock that stands still. */
export class MemoryPlane {
  readonly wire = new MemoryWire();
  readonly clock = new VirtualClock();
  readonly counters = new Counters();
  readonly healths = new EndpointHealths();
  readonly failures: HandshakeRecord[] = [];
  readonly connections: ConnectionRecord[] = [];
  readonly #exchanges: ExchangeRecord[] = [];
  readonly plane: Plane;
  readonly deadlines = new CountedDeadlines(this.clock);
  /** What stages have thrown. */
  readonly thrown: string[] = [];
  readonly #recorder: Recorder;

  constructor() {
    this.#recorder = new Recorder(({ handshakes, connections }) => {
      this.failures.push(...handshakes);
      this.connections.push(...connections);
    });
    const accessLines = new AccessLines({
      channel: {
        sendLines: (frame) => {
          const lines = frame.subarray(LINES_HEADER_BYTES).toString().trimEnd().split("\n");
          this.#exchanges.push(...lines.map((line) => JSON.parse(line) as ExchangeRecord));
          return "sent";
        },
        untilDrained: () => Promise.resolve(),
        waitingBytes: 0,
      },
      onLost: (lines) => this.thrown.push(`${lines} access lines are lost`),
    });
    const { deadlines } = this;
    const relayMemory = new RelayMemory();
    this.plane = {
      wire: this.wire,
      clock: this.clock,
      contexts: new ContextStore(this.wire),
      deadlines,
      connections: new OpenConnections(),
      openingMemory: new OpeningMemory(),
      relayMemory,
      recorder: this.#recorder,
      accessLines,
      certificates: new CertificateCounts(),
      http: new HttpPlane({
        clock: this.clock,
        deadlines,
        relayMemory,
        reportError: (cause) => this.thrown.push(String(cause)),
      }),
      maxConnections: 100,
      idPrefix: "test",
    };
  }

  /** The access lines of exchanges so far, in JSON. */
  get exchanges(): readonly ExchangeRecord[] {
    this.plane.accessLines.flush();
    return this.#exchanges;
  }

  listenerOf(
    spec: SnapshotListener,
    more: Partial<SnapshotVnic> = {},
    certificates: readonly SnapshotCertificate[] = [],
  ): LiveListener {
    const limits = {
      name: spec.vnic,
      maxConnections: undefined,
      handshakesPerSecond: undefined,
      handshakesPerSecondPerAddress: undefined,
      ...more,
    };
    const { runtime } = atOnce(
      buildRuntime(
        EMPTY_RUNTIME,
        {
          type: "prepare",
          ...{ base: 0, number: 1, revision: 1, listeners: [spec], removed: [] },
          ...{ certificates, removedCertificates: [] },
          ...{ vnics: [limits], removedVnics: [] },
          ...{ maxConnections: 100, relayMemoryBytes: 1_000_000, material: {}, absentIps: [] },
        },
        this.healths,
      ),
    );
    const listeners = new LiveListeners(this.counters, () => {});
    listeners.commit(runtime);
    const [listener] = listeners.current();
    if (listener === undefined) throw new Error("the runtime has no listener");
    return listener;
  }

  /** Listens as an endpoint. The array gets each connection that comes. */
  async startEndpoint(address: string, port: number): Promise<MemoryPeer[]> {
    const peers: MemoryPeer[] = [];
    await this.wire.listen({ address, port }, (socket) => peers.push(new MemoryPeer(socket)));
    return peers;
  }

  /** A client that is connected to the listener, and the socket that the listener has accepted. */
  pairTo(listener: LiveListener): readonly [MemoryPeer, WireSocket] {
    const { virtualIp: address, port } = listener.rules.spec;
    const [near, far] = this.wire.pair({ address, port }, clientAddress);
    near.connectTo(far);
    return [new MemoryPeer(near), far];
  }

  /** Has a client served, and resolves when nothing more happens by itself. */
  async connect(listener: LiveListener): Promise<MemoryPeer> {
    const [client, socket] = this.pairTo(listener);
    serveConnection(this.plane, listener, socket).catch((cause: unknown) => {
      this.thrown.push(String(cause));
    });
    await untilQuiet();
    return client;
  }

  /** Returns what stages have thrown, the failures of connections that were not served, and the outcomes of those that were. */
  outcomes(): readonly string[] {
    this.#recorder.flush();
    return [
      ...this.thrown,
      ...this.failures.map(({ failure }) => failure),
      ...this.connections.map(({ outcome }) => outcome),
    ];
  }
}
