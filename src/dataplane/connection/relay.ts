import type { ConnectionOutcome } from "#model/records/outcome.ts";
import type { Congested } from "../live/relay-memory.ts";
import { histogramSlots } from "../observe/counters.ts";
import type { WireFailure, WireHandler, WireSocket } from "../wire/wire.ts";
import type { ConnectionState, DeadlineListener, EndpointConnection } from "./connection-state.ts";
import { endConnection, outcomeOfBreak } from "./finish.ts";

/**
 * How long a client must have said nothing before it is closed after a broken answer, as what it says later is answered
 * with RST, which may overtake the answer: one that has said nothing since the break, and one that was still sending.
 */
const QUIET_MS = 250;
const QUIET_AFTER_DATA_MS = 2_000;

const FIRST_BYTE_SECONDS = histogramSlots("tlsd_first_byte_seconds");

/** Why a side is held back, as bits of one number: it is read on once no reason is left. */
const SINK_IS_FULL = 1;
const ALL_REASONS = ~0;

interface BrokenAnswer {
  readonly outcome: ConnectionOutcome;
  readonly beganAtMs: number;
  /** When last some of what is queued for the client had gone. */
  movedAtMs: number;
}

/**
 * One side of a relay: it hears its socket and writes to the other side's. Everything that happens with each chunk is
 * an assignment or a call; nothing is allocated.
 */
class RelaySide implements WireHandler, Congested, DeadlineListener {
  readonly connection: EndpointConnection;
  readonly isClient: boolean;
  readonly socket: WireSocket;
  other: RelaySide;
  /** The peer has ended its half. */
  hasEnded = false;
  isClosed = false;
  /** The reasons for which its socket is paused. */
  #heldBackFor = 0;
  /** Of its socket, when last looked at by a deadline. */
  #queuedBytesSeen = 0;
  /** The endpoint has broken off; the client is still sent what came before. Kept by the client's side. */
  #broken: BrokenAnswer | undefined;

  constructor(connection: EndpointConnection, isClient: boolean, socket: WireSocket) {
    this.connection = connection;
    this.isClient = isClient;
    this.socket = socket;
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
    // The other peer is gone, but what it said is still on its way to this one: this one's words go nowhere.
    if (other.isClosed) return;
    if (other.socket.write(chunk, isLent)) return;
    this.#holdBack(SINK_IS_FULL);
    connection.plane.relayMemory.hold(other, other.socket.queuedBytes);
  }

  onDrain(): void {
    const { connection, other } = this;
    connection.plane.relayMemory.release(this);
    if (this.#broken !== undefined) return;
    touch(connection);
    other.#letGo(SINK_IS_FULL);
  }

  #holdBack(reason: number): void {
    this.#heldBackFor |= reason;
    this.socket.pause();
  }

  #letGo(reasons: number): void {
    if ((this.#heldBackFor & reasons) === 0) return;
    this.#heldBackFor &= ~reasons;
    if (this.#heldBackFor === 0) this.socket.resume();
  }

  onEnd(): void {
    this.hasEnded = true;
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
    // An endpoint that has answered in full and then broke off takes nothing more; its answer is still delivered.
    if (failure !== undefined && !other.isClosed) other.#letGo(ALL_REASONS);
    if (other.isClosed) endConnection(connection, "completed");
    else if (!this.hasEnded) other.socket.end();
  }

  /**
   * The endpoint has broken off. What came from it is still sent, for as long as the client goes on taking it. Then the
   * connection is ended so that the client can tell a broken answer from a whole one (finish.ts).
   */
  breakOff(outcome: ConnectionOutcome): void {
    const { nowMs } = this.connection.plane.deadlines;
    this.#broken = { outcome, movedAtMs: nowMs, beganAtMs: nowMs };
    this.#waitForQuiet(this.#broken, QUIET_MS);
    // What it still sends is dropped, so there is no reason left to hold it back.
    this.#letGo(ALL_REASONS);
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

  /** Of both sides: one of them is told. */
  deadlinePassed(): void {
    const { connection, other } = this;
    if (this.#broken !== undefined) {
      this.#endBroken(this.#broken);
      return;
    }
    // A queue that shrinks is not idle: after its end a socket tells of no drain.
    if (this.#hasMoved() || other.#hasMoved()) {
      touch(connection);
      return;
    }
    const { idleMs } = connection.rules.spec.timeouts;
    const queuedBytes = this.socket.queuedBytes + other.socket.queuedBytes;
    // A peer that has to read megabytes in the kernel first moves unseen. The shorter deadline is for who has it all.
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
    const { idleMs } = connection.rules.spec.timeouts;
    const isTakingIt = this.socket.queuedBytes > 0 && nowMs - broken.movedAtMs < idleMs;
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

/** Moves the idle deadline. The clock of the last tick will do, and costs nothing. */
function touch(connection: ConnectionState): void {
  connection.deadlineAtMs = connection.plane.deadlines.nowMs + connection.idleMs;
}

/** Carries bytes both ways until both sides have ended, one breaks off, or nothing moves for the idle deadline. */
export function relay(connection: EndpointConnection, endpointSocket: WireSocket): void {
  const client = new RelaySide(connection, true, connection.client);
  const endpoint = new RelaySide(connection, false, endpointSocket);
  client.other = endpoint;
  endpoint.other = client;
  connection.settle();
  connection.idleMs = connection.rules.spec.timeouts.idleMs;
  connection.setDeadline(connection.idleMs, client);
  client.socket.handler = client;
  endpoint.socket.handler = endpoint;
  endpoint.socket.resume();
  client.socket.resume();
}
