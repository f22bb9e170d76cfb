import assert from "node:assert/strict";
import type { MetricOf } from "#model/records/mode-records.ts";
import type { SnapshotHttp, SnapshotHttpListener } from "#model/records/modes/http.ts";
import { acceptConnection } from "#dataplane/connection/accept.ts";
import { Connection } from "#dataplane/connection/connection.ts";
import { ClientSession } from "#dataplane/http/h1/client-session.ts";
import { Session } from "#dataplane/http/h2/session.ts";
import type { HttpRules } from "#dataplane/http/http-rules.ts";
import type { LiveListener } from "#dataplane/live-listeners.ts";
import { resolveName } from "#dataplane/tls/resolve-name.ts";
import { MemoryPeer, MemoryPlane, tcpListener } from "./memory-plane.ts";
import { untilQuiet } from "./virtual-clock.ts";

const endpointIp = "127.0.0.2";

const httpSettings: SnapshotHttp = {
  headMs: 15_000,
  keepAliveMs: 75_000,
  answerMs: 60_000,
  upgradedMs: 3_600_000,
  trustedProxies: [],
  forwarded: "none",
  requestId: false,
  traceparent: "keep",
  clientFacts: { tls: false, ja4: false, certificate: false },
  responseFields: { set: [], remove: [] },
  pool: { reuse: "safe", idleMs: 4_000, maxIdle: 8 },
  countServerErrors: false,
  accessLogFormat: "json",
  accessLogQuery: false,
};

type Listener = LiveListener<HttpRules, MetricOf<"http">>;

/** The parts of a listener that a test changes. */
export interface MemoryHttpSettings {
  readonly http?: Partial<SnapshotHttp>;
  readonly spec?: Partial<SnapshotHttpListener>;
  /** Whether the wire lends each chunk, and overwrites it when the handler has returned. */
  readonly lends?: boolean;
}

/** A listener of mode http over a wire in memory, whose clients need no TLS handshake, and its endpoint. */
export class MemoryHttp {
  readonly memory = new MemoryPlane();
  /** The connections that the endpoint has got, in order. */
  readonly endpoints: MemoryPeer[];
  readonly listener: Listener;

  private constructor(memory: MemoryPlane, listener: Listener, endpoints: MemoryPeer[]) {
    this.memory = memory;
    this.listener = listener;
    this.endpoints = endpoints;
  }

  static async start({ http, spec, lends }: MemoryHttpSettings = {}): Promise<MemoryHttp> {
    const memory = new MemoryPlane();
    memory.wire.lendsChunks = lends === true;
    const endpoints = await memory.startEndpoint(endpointIp, 1);
    const server = { kind: "tcp", server: "web", address: endpointIp, port: 1, weight: 1 } as const;
    const listener = memory.listenerOf({
      ...tcpListener,
      timeouts: { ...tcpListener.timeouts, idleMs: 300_000 },
      endpoints: [server],
      ...spec,
      mode: "http",
      http: { ...httpSettings, ...http },
    });
    // The listener has the mode of its settings.
    return new MemoryHttp(memory, listener as unknown as Listener, endpoints);
  }

  /** Connects a client as if its handshake was done. */
  async connect(alpn?: "h2"): Promise<MemoryPeer> {
    const { plane } = this.memory;
    const [client, socket] = this.memory.pairTo(this.listener);
    const connection = new Connection(plane, this.listener, socket);
    assert.ok(acceptConnection(connection));
    connection.isOpen = true;
    connection.tls = { version: "TLSv1.3", cipherSuite: "none", alpn, isResumed: false };
    connection.identity = resolveName(connection.rules, undefined).identity.key;
    if (alpn === "h2") new Session(connection).start();
    else new ClientSession(connection).start();
    await untilQuiet();
    return client;
  }

  /** Connects a client that sends this. */
  async send(text: string): Promise<MemoryPeer> {
    const client = await this.connect();
    await client.send(text);
    return client;
  }

  /** Returns the connection number `at` to the endpoint. A negative number counts from the last. */
  endpoint(at = -1): MemoryPeer {
    const peer = this.endpoints.at(at);
    if (peer === undefined)
      throw new Error(`the endpoint has ${this.endpoints.length} connections`);
    return peer;
  }

  advance(ms: number): Promise<void> {
    return this.memory.clock.advance(ms);
  }

  /** Returns how the exchanges have ended. */
  outcomes(): readonly string[] {
    assert.deepEqual(this.memory.thrown, []);
    this.memory.outcomes();
    return this.memory.exchanges.map(({ outcome }) => outcome);
  }

  /** Asserts that nothing is left of connections and exchanges, when idle connections and farewells have had their time. */
  async assertBase(): Promise<void> {
    await this.advance(10_000);
    const { memory, listener } = this;
    const { plane, deadlines } = memory;
    const { connecting, openConnections } = memory.healths.of(`${endpointIp}:1`);
    const isEmpty = plane.connections.untilEmpty().then(() => true);
    const hasFarewell = !(await Promise.race([isEmpty, untilQuiet().then(() => false)]));
    assert.deepEqual(
      {
        ...{ connecting, openConnections, hasFarewell },
        ...{ sessions: plane.http.openEndpoints, idle: plane.http.pools.idleCount },
        ...{ connections: plane.connections.size, deadlines: deadlines.size },
        ...{ held: plane.relayMemory.heldBytes, usage: listener.usage.openConnections },
        ...{ counted: listener.counters.openConnections, pending: listener.pendingConnections },
        waits: plane.connections.hasPlace(0, Number.POSITIVE_INFINITY),
        openAtEndpoint: this.endpoints.filter(({ isClosed, hasEnded }) => !isClosed && !hasEnded)
          .length,
        thrown: memory.thrown,
      },
      {
        ...{ connecting: 0, openConnections: 0, hasFarewell: false },
        ...{ sessions: 0, idle: 0, connections: 0, deadlines: 0, held: 0, usage: 0 },
        ...{ counted: 0, pending: 0, waits: false, openAtEndpoint: 0, thrown: [] },
      },
    );
  }
}

/** Returns a request of HTTP/1.1 with these field lines. */
export const requestOf = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, "host: a", ...fields].join("\r\n")}\r\n\r\n`;

/** Returns an answer with Content-Length. */
export const answerOf = (body: string, ...fields: readonly string[]): string =>
  `${["HTTP/1.1 200 OK", "date: now", ...fields, `content-length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`;

/** Returns the answer as the director sends it before it closes. */
export const closing = (answer: string): string =>
  answer.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
