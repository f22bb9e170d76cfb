import type { ConnectionOutcome } from "#model/records/outcome.ts";
import type { Congested } from "../live/relay-memory.ts";
import { histogramSlots } from "../observe/counters.ts";
import type { WireFailure, WireHandler, WireSocket } from "../wire/wire.ts";
import { countSilentEnd } from "./certificate-failure.ts";
import type { ConnectionState, DeadlineListener, EndpointConnection } from "./connection-state.ts";
import { endConnection, outcomeOfBreak } from "./finish.ts";

/**
 * How long a client must have sent nothing before its connection is closed after a broken answer. Data that arrives
 * after the close is answered with RST, which can discard the answer before the client has read it. The first value
 * applies if the client has sent nothing since the endpoint broke off, the second if it has.
 */
const QUIET_MS = 250;
const QUIET_AFTER_DATA_MS = 2_000;

const FIRST_BYTE_SECONDS = histogramSlots("tlsd_first_byte_seconds");

/** The reasons why reading from a side is paused, as bits of one number. Reading resumes when no reason is left. */
const SINK_IS_FULL = 1;
const ALL_REASONS = ~0;

interface BrokenAnswer {
  readonly outcome: ConnectionOutcome;
  readonly beganAtMs: number;
  /** When the queue to the client last became shorter. */
  movedAtMs: number;
}

/**
 * One side of a relay. It handles the events of its socket and writes to the socket of the other side. Nothing is
 * allocated for each chunk.
 */
class RelaySide implements WireHandler, Congested, DeadlineListener {
  readonly connection: EndpointConnection;
  readonly isClient: boolean;
  readonly socket: WireSocket;
  other: RelaySide;
  /** Whether the peer has ended its half. */
  hasEnded = false;
  isClosed = false;
  /** The reasons why reading from the socket is paused. */
  #pauseReasons = 0;
  /** The idle deadline while both directions are open. */
  readonly #idleMs: number;
  /** `queuedBytes` of the socket when a deadline last read it. */
  #queuedBytesSeen = 0;
  /**
   * Set on the client's side after the endpoint broke off, while the client is still sent what the endpoint had sent.
   */
  #broken: BrokenAnswer | undefined;

  constructor(
    connection: EndpointConnection,
    isClient: boolean,
    socket: WireSocket,
    idleMs: number,
  ) {
    this.connection = connection;
    this.isClient = isClient;
    this.socket = socket;
    this.#idleMs = idleMs;
    this.other = this;
  }

  onOpen(): void {}

  onData(chunk: Buffer, isLent: boolean): void {
    const { connection, other } = this;
    if (this.isClient) connection.bytesFromClient += chunk.length;
    else {
      if (connection.firstByteMs < 0) firstByte(connection);
      connection.bytesToClient += chunk.length;
    }
    if (this.#broken !== undefined) {
      this.#waitForQuiet(this.#broken, QUIET_AFTER_DATA_MS);
      return;
    }
    touch(connection);
    // The other peer has closed, so this chunk is dropped. The data that the other peer sent before is still being
    // delivered to this side.
    if (other.isClosed) return;
    if (other.socket.write(chunk, isLent)) return;
    this.#addPauseReason(SINK_IS_FULL);
    connection.plane.relayMemory.hold(other, other.socket.queuedBytes);
  }

  onDrain(): void {
    const { connection, other } = this;
    connection.plane.relayMemory.release(this);
    if (this.#broken !== undefined) return;
    touch(connection);
    other.#removePauseReasons(SINK_IS_FULL);
  }

  #addPauseReason(reason: number): void {
    this.#pauseReasons |= reason;
    this.socket.pause();
  }

  #removePauseReasons(reasons: number): void {
    if ((this.#pauseReasons & reasons) === 0) return;
    this.#pauseReasons &= ~reasons;
    if (this.#pauseReasons === 0) this.socket.resume();
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.isClient) countSilentEnd(this.connection, undefined);
    if (this.#broken !== undefined) return;
    this.other.socket.end();
    this.connection.idleMs = this.connection.rules.spec.timeouts.halfClosedMs;
    touch(this.connection);
  }

  onClose(failure: WireFailure | undefined): void {
    const { connection, other } = this;
    this.isClosed = true;
    connection.plane.relayMemory.release(this);
    if (connection.isOver) return;
    if (this.isClient) countSilentEnd(connection, failure);
    if (this.#broken !== undefined) {
      endConnection(connection, this.#broken.outcome);
      return;
    }
    if (failure !== undefined && !(this.hasEnded && !this.isClient)) {
      const outcome = outcomeOfBreak(this.isClient, failure);
      const isAnswered = !this.isClient && connection.bytesToClient > 0;
      if (!isAnswered || other.isClosed) endConnection(connection, outcome);
      else other.breakOff(outcome);
      return;
    }
    // The endpoint answered completely and then broke off. It takes no more data, but its answer is still delivered.
    if (failure !== undefined && !other.isClosed) other.#removePauseReasons(ALL_REASONS);
    if (other.isClosed) endConnection(connection, "completed");
    else if (!this.hasEnded) other.socket.end();
  }

  /**
   * Handles an endpoint that broke off. The data that it sent is delivered for as long as the client reads it. Then the
   * connection is ended in a way that shows the client that the answer is incomplete (finish.ts).
   */
  breakOff(outcome: ConnectionOutcome): void {
    const { nowMs } = this.connection.plane.deadlines;
    this.#broken = { outcome, movedAtMs: nowMs, beganAtMs: nowMs };
    this.#waitForQuiet(this.#broken, QUIET_MS);
    // Data that the client still sends is dropped, so reading from it is no longer paused.
    this.#removePauseReasons(ALL_REASONS);
  }

  #waitForQuiet({ beganAtMs }: BrokenAnswer, quietMs: number): void {
    const { plane, rules } = this.connection;
    const { nowMs } = plane.deadlines;
    const { halfClosedMs } = rules.spec.timeouts;
    this.connection.deadlineAtMs = Math.min(nowMs + quietMs, beganAtMs + halfClosedMs);
  }

  shed(): void {
    endConnection(this.connection, "relay-memory");
  }

  /** Handles the deadline of both sides. Only the client's side is registered for it. */
  deadlinePassed(): void {
    const { connection, other } = this;
    if (this.#broken !== undefined) {
      this.#endBroken(this.#broken);
      return;
    }
    // A queue that shrinks is not idle. After `end`, a socket does not report a drain, so the queues are compared here.
    if (this.#hasMoved() || other.#hasMoved()) {
      touch(connection);
      return;
    }
    const idleMs = this.#idleMs;
    const queuedBytes = this.socket.queuedBytes + other.socket.queuedBytes;
    // A peer that is still reading megabytes from the kernel's buffers makes progress that is not visible here. The
    // shorter deadline applies only after everything was sent.
    if (connection.idleMs < idleMs && queuedBytes > 0) {
      connection.deadlineAtMs += idleMs - connection.idleMs;
      connection.idleMs = idleMs;
      return;
    }
    endConnection(connection, this.hasEnded || other.hasEnded ? "half-closed-idle" : "idle");
  }

  #endBroken(broken: BrokenAnswer): void {
    const { connection } = this;
    const { nowMs } = connection.plane.deadlines;
    if (this.#hasMoved()) broken.movedAtMs = nowMs;
    const isTakingIt = this.socket.queuedBytes > 0 && nowMs - broken.movedAtMs < this.#idleMs;
    if (isTakingIt) connection.deadlineAtMs = nowMs + QUIET_MS;
    else endConnection(connection, broken.outcome);
  }

  #hasMoved(): boolean {
    const { queuedBytes } = this.socket;
    const hasMoved = queuedBytes > 0 && queuedBytes !== this.#queuedBytesSeen;
    this.#queuedBytesSeen = queuedBytes;
    return hasMoved;
  }
}

function firstByte(connection: EndpointConnection): void {
  connection.firstByteMs = connection.elapsedMs();
  connection.listener.counters.observeMs(
    FIRST_BYTE_SECONDS,
    connection.firstByteMs - connection.connectMs,
  );
}

/** Moves the idle deadline. The time of the last tick is accurate enough and needs no system call. */
function touch(connection: ConnectionState): void {
  connection.deadlineAtMs = connection.plane.deadlines.nowMs + connection.idleMs;
}

/**
 * Relays bytes in both directions until both sides have ended, one side breaks off, or nothing is transferred within
 * the idle deadline, whose default is that of the listener.
 */
export function relay(
  connection: EndpointConnection,
  endpointSocket: WireSocket,
  idleMs = connection.rules.spec.timeouts.idleMs,
): void {
  const client = new RelaySide(connection, true, connection.client, idleMs);
  const endpoint = new RelaySide(connection, false, endpointSocket, idleMs);
  client.other = endpoint;
  endpoint.other = client;
  connection.settle();
  connection.idleMs = idleMs;
  connection.setDeadline(idleMs, client);
  client.socket.handler = client;
  endpoint.socket.handler = endpoint;
  endpoint.socket.resume();
  client.socket.resume();
}
