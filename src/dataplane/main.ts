/**
 * A worker: one process of the data plane. It receives its configuration over a channel, and reads no files and no
 * environment variables.
 */
import { MessageAssembly, type BoundedMessage } from "#protocol/bounded-messages.ts";
import { LIMITS_OF_WORKER } from "#protocol/channel-limits.ts";
import { Channel } from "#protocol/channel.ts";
import { PROTOCOL_VERSION, type ToControl, type ToWorker } from "#protocol/messages.ts";
import { openWorkerPipe } from "#protocol/worker-pipe.ts";
import type { Plane } from "./connection/connection-state.ts";
import { OperatorRequests } from "./connection/operator-requests.ts";
import { PlannedCuts } from "./connection/planned-cuts.ts";
import { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { HttpPlane } from "./http/http-plane.ts";
import { SYSTEM_CLOCK } from "./live/clock.ts";
import { Deadlines } from "./live/deadlines.ts";
import { ListeningSockets } from "./live/listening-sockets.ts";
import { OpenConnections } from "./live/open-connections.ts";
import { OpeningMemory } from "./live/opening-memory.ts";
import { RelayMemory } from "./live/relay-memory.ts";
import { AccessLines } from "./observe/access-lines.ts";
import { CertificateCounts } from "./observe/certificate-counts.ts";
import { Counters } from "./observe/counters.ts";
import { Recorder } from "./observe/recorder.ts";
import { Reports } from "./observe/reports.ts";
import { ContextStore } from "./tls/context-store.ts";
import { chooseWire } from "./wire/choose-wire.ts";
import { Worker } from "./worker.ts";

const HEARTBEAT_MS = 1_000;
const DEFAULT_ORPHAN_GRACE_MS = 60_000;
const DEFAULT_DRAIN_MS = 30_000;
/**
 * How long the worker waits before it exits, so that its last messages are sent. The control process kills a worker
 * that hangs in its exit.
 */
const EXIT_MS = 100;

const argument = (name: string, fallback: number): number => {
  const found = process.argv.find((text) => text.startsWith(`--${name}=`));
  const value = Number(found?.slice(name.length + 3) ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
};

const bunVersion = process.versions["bun"];
const isNativeRequested = process.argv.includes("--wire=native");
const { wire, name: wireName } = await chooseWire(isNativeRequested);
const runtime =
  bunVersion === undefined
    ? `node ${process.versions.node}, OpenSSL ${process.versions.openssl}`
    : `bun ${bunVersion}, BoringSSL, ${wireName} sockets`;

const assembly = new MessageAssembly();
const channel = new Channel<ToControl>(LIMITS_OF_WORKER, {
  // Messages are not validated, because the control process is trusted: it started this worker, from the same
  // installation.
  onMessage: (message) => {
    const complete = assembly.take(message as BoundedMessage);
    if (complete !== undefined) handleMessage(complete);
  },
  onMalformed: () => channel.close(),
  onClose: () => becomeOrphan(),
});
function send(message: ToControl): void {
  if (message.type === "notice") reports.notice(message);
  else channel.send(message);
}

const counters = new Counters();
const recorder = new Recorder((events) => reports.events(events));
const accessLines = new AccessLines({ channel, onLost: (lines) => reports.lost(lines) });
const deadlines = new Deadlines();
const relayMemory = new RelayMemory();
const plane: Plane = {
  wire,
  clock: SYSTEM_CLOCK,
  contexts: new ContextStore(wire),
  deadlines,
  connections: new OpenConnections(),
  openingMemory: new OpeningMemory(),
  relayMemory,
  recorder,
  accessLines,
  certificates: new CertificateCounts(),
  http: new HttpPlane({
    clock: SYSTEM_CLOCK,
    deadlines,
    relayMemory,
    reportError: (cause) => worker.reportError("an exchange", cause),
  }),
  maxConnections: 0,
  idPrefix: `${process.pid.toString(36)}-${Date.now().toString(36)}`,
};
const healths = new EndpointHealths();
const worker: Worker = new Worker({
  plane,
  counters,
  healths,
  sockets: new ListeningSockets(wire),
  cuts: new PlannedCuts({ plane, send }),
  send,
});

const operatorRequests = new OperatorRequests({ plane, send: (message) => channel.send(message) });

const reports: Reports = new Reports({
  channel,
  counters,
  servers: healths.servers,
  certificates: plane.certificates,
  countOpen: () => plane.connections.countBytes(),
  listenerNames: () => worker.listenerNames(),
});

let residentBytes = 0;
function measureMemory(): void {
  try {
    residentBytes = process.memoryUsage.rss();
  } catch {
    // The value is read from a file, which fails if the open-file limit is reached. The last value is kept.
  }
}

let lastBeatMs = performance.now();
function beat(): void {
  const nowMs = performance.now();
  const loopDelayMs = Math.max(0, nowMs - lastBeatMs - HEARTBEAT_MS);
  lastBeatMs = nowMs;
  measureMemory();
  accessLines.beat();
  reports.beat({
    type: "heartbeat",
    openConnections: plane.connections.size,
    residentBytes,
    loopDelayMs,
  });
}

/** Sends the last lines, records and counts, then exits. */
function exitSoon(): void {
  accessLines.flush();
  recorder.flush();
  reports.last();
  setTimeout(() => process.exit(0), EXIT_MS);
}

function drainAndExit(deadlineMs: number): void {
  worker.drain(deadlineMs).then(exitSoon, () => process.exit(1));
}

function leave(): void {
  drainAndExit(argument("drain-ms", DEFAULT_DRAIN_MS));
}

function handleMessage(message: ToWorker): void {
  if (message.type === "drain") drainAndExit(message.deadlineMs);
  // Operators do not wait for a change that is being prepared.
  else if (message.type === "list-connections" || message.type === "cut-connections") {
    operatorRequests.receive(message);
  } else worker.receive(message);
}

/**
 * Handles the end of the control process. The worker continues to serve for `orphan-grace-ms`, because the operator may
 * be starting a new director. Then it drains and exits.
 */
function becomeOrphan(): void {
  if (!worker.orphan()) process.exit(0);
  setTimeout(leave, argument("orphan-grace-ms", DEFAULT_ORPHAN_GRACE_MS));
  // A new director sends SIGTERM to orphans when its own workers serve.
  process.once("SIGTERM", leave);
}

// Signals are ignored. Ctrl-C in a terminal reaches every process of the group, and the control process decides what
// its workers do.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

channel.attach(await openWorkerPipe(channel));
setInterval(beat, HEARTBEAT_MS);
if (isNativeRequested && bunVersion !== undefined && wireName !== "native") {
  const text =
    "The sockets of this Bun cannot start TLS, so the worker uses node:net and node:tls.";
  send({ type: "notice", level: "warn", text });
}
send({ type: "ready", protocol: PROTOCOL_VERSION, runtime });
