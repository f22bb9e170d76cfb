/** A worker: one data-plane process. It is told what to serve over a channel and reads no file and no environment. */
import { LIMITS_OF_WORKER } from "#protocol/channel-limits.ts";
import { Channel } from "#protocol/channel.ts";
import { PROTOCOL_VERSION, type ToControl, type ToWorker } from "#protocol/messages.ts";
import { openWorkerPipe } from "#protocol/worker-pipe.ts";
import type { Plane } from "./connection/connection-state.ts";
import { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { SYSTEM_CLOCK } from "./live/clock.ts";
import { Deadlines } from "./live/deadlines.ts";
import { ListeningSockets } from "./live/listening-sockets.ts";
import { OpenConnections } from "./live/open-connections.ts";
import { OpeningMemory } from "./live/opening-memory.ts";
import { RelayMemory } from "./live/relay-memory.ts";
import { Counters } from "./observe/counters.ts";
import { Recorder } from "./observe/recorder.ts";
import { Reports } from "./observe/reports.ts";
import { ContextStore } from "./tls/context-store.ts";
import { chooseWire } from "./wire/choose-wire.ts";
import { Worker } from "./worker.ts";

const HEARTBEAT_MS = 1_000;
const DEFAULT_ORPHAN_GRACE_MS = 60_000;
const DEFAULT_DRAIN_MS = 30_000;
/** For the last messages to leave; a runtime that hangs in its exit is killed by the control process. */
const EXIT_MS = 100;

const argument = (name: string, fallback: number): number => {
  const found = process.argv.find((text) => text.startsWith(`--${name}=`));
  const value = Number(found?.slice(name.length + 3) ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
};

const bunVersion = process.versions["bun"];
const isNativeWanted = process.argv.includes("--wire=native");
const { wire, name: wireName } = await chooseWire(isNativeWanted);
const runtime =
  bunVersion === undefined
    ? `node ${process.versions.node}, OpenSSL ${process.versions.openssl}`
    : `bun ${bunVersion}, BoringSSL, ${wireName} sockets`;

const channel = new Channel<ToControl>(LIMITS_OF_WORKER, {
  // The control process is trusted: it starts the worker, from the same files.
  onMessage: (message) => hear(message as ToWorker),
  onMalformed: () => channel.close(),
  onClose: () => becomeOrphan(),
});
function send(message: ToControl): void {
  if (message.type === "notice") reports.notice(message);
  else channel.send(message);
}

const counters = new Counters();
const recorder = new Recorder((events) => reports.events(events));
const plane: Plane = {
  wire,
  clock: SYSTEM_CLOCK,
  contexts: new ContextStore(wire),
  deadlines: new Deadlines(),
  connections: new OpenConnections(),
  openingMemory: new OpeningMemory(),
  relayMemory: new RelayMemory(),
  recorder,
  maxConnections: 0,
  idPrefix: `${process.pid.toString(36)}-${Date.now().toString(36)}`,
};
const worker: Worker = new Worker({
  plane,
  counters,
  healths: new EndpointHealths(),
  sockets: new ListeningSockets(wire),
  send,
});

const reports: Reports = new Reports({
  channel,
  counters,
  countOpen: () => plane.connections.countBytes(),
  listenerNames: () => worker.listenerNames(),
});

let residentBytes = 0;
function measureMemory(): void {
  try {
    residentBytes = process.memoryUsage.rss();
  } catch {
    // It is read from a file, and there may be none left to open: what was measured last stands.
  }
}

let lastBeatMs = performance.now();
function beat(): void {
  const nowMs = performance.now();
  const loopDelayMs = Math.max(0, nowMs - lastBeatMs - HEARTBEAT_MS);
  lastBeatMs = nowMs;
  measureMemory();
  reports.beat({
    type: "heartbeat",
    openConnections: plane.connections.size,
    residentBytes,
    loopDelayMs,
  });
}

/** The last counts and records go out before the process does. */
function exitSoon(): void {
  recorder.flush();
  reports.count();
  setTimeout(() => process.exit(0), EXIT_MS);
}

function drainAndExit(deadlineMs: number): void {
  worker.drain(deadlineMs).then(exitSoon, () => process.exit(1));
}

function leave(): void {
  drainAndExit(argument("drain-ms", DEFAULT_DRAIN_MS));
}

function hear(message: ToWorker): void {
  if (message.type === "drain") drainAndExit(message.deadlineMs);
  else worker.receive(message);
}

/** The control process is gone: its operator may be starting the next one, so go on for a while, then leave in order. */
function becomeOrphan(): void {
  if (!worker.orphan()) process.exit(0);
  setTimeout(leave, argument("orphan-grace-ms", DEFAULT_ORPHAN_GRACE_MS));
  // The next director serves by now and sends this.
  process.once("SIGTERM", leave);
}

// Ctrl-C in a terminal reaches every process; only the control process decides what it means.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

channel.attach(await openWorkerPipe(channel));
setInterval(beat, HEARTBEAT_MS);
if (isNativeWanted && bunVersion !== undefined && wireName !== "native") {
  const text =
    "This Bun lacks sockets of its own that can start TLS: node:net and node:tls are used.";
  send({ type: "notice", level: "warn", text });
}
send({ type: "ready", protocol: PROTOCOL_VERSION, runtime });
