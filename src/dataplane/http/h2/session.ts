import type { HttpOutcome } from "#model/records/http-outcome.ts";
import type { SnapshotHttpListener } from "#model/records/modes/http.ts";
import type { ConnectionOutcome } from "#model/records/outcome.ts";
import { countSilentEnd } from "../../connection/certificate-failure.ts";
import type { DeadlineListener } from "../../connection/connection-state.ts";
import { endConnection, outcomeOfBreak } from "../../connection/finish.ts";
import type { Congested } from "../../live/relay-memory.ts";
import { resolveName } from "../../tls/resolve-name.ts";
import { HIGH_WATER_MARK_BYTES, type WireFailure, type WireHandler } from "../../wire/wire.ts";
import { exchangeOutcomeOf } from "../exchange-facts.ts";
import { MIN_COUNTED_BYTES } from "../held-input.ts";
import { FrameReader } from "./frame-reader.ts";
import { ERROR, type Fault, FRAME, MAX_31_BITS, MAX_STREAMS, SETTING } from "./frames.ts";
import { MAX_FIELD_SECTION_BYTES } from "./hpack/hpack-decoder.ts";
import { SessionReceiver } from "./session-receiver.ts";
import { SessionFrames } from "./session-frames.ts";

const NOTHING = Buffer.alloc(0);
const SETTINGS_ACK_MS = 10_000;
const DRAIN_PING_MS = 5_000;
/** How often a connection that ends is asked whether everything was sent. */
const SENT_CHECK_MS = 100;
/** The payload of the PING that finds out which streams the client had opened before it knew of GOAWAY. */
const DRAIN_PING = Buffer.from("draining", "latin1");

/** SETTINGS of the director. The other values are the initial ones. */
const SETTINGS = settingsOf([
  [SETTING.maxConcurrentStreams, MAX_STREAMS],
  [SETTING.maxHeaderListSize, MAX_FIELD_SECTION_BYTES],
  [SETTING.enableConnectProtocol, 1],
  [SETTING.noRfc7540Priorities, 1],
]);

function settingsOf(entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.alloc(6 * entries.length);
  for (const [index, [id, value]] of entries.entries()) {
    bytes.writeUInt16BE(id, 6 * index);
    bytes.writeUInt32BE(value, 6 * index + 2);
  }
  return bytes;
}

/** The client's side of a connection that speaks HTTP/2 (RFC 9113). Its streams are served at once. */
export class Session extends SessionReceiver implements WireHandler, Congested, DeadlineListener {
  readonly #frames = new SessionFrames(this);
  readonly #reader = new FrameReader(this.#frames);
  /** Whether the client has ended its half, but may still read. */
  hasEnded = false;
  /** How the connection ends as soon as the client has taken what was sent. */
  #ending: ConnectionOutcome | undefined;
  #endingQueueSeen = 0;
  #endingMovedAtMs = 0;
  /** When a deadline begins, or -1: that for the acknowledgement of SETTINGS, for a head, and for the next request. */
  #settingsAtMs = -1;
  #headBeganMs = -1;
  #idleSinceMs = 0;
  #draining: "no" | "asked" | "announced" = "no";
  #drainBeganMs = 0;
  /** The listener for which the TLS identity was last compared. A rotation of certificates does not change it. */
  #specSeen: SnapshotHttpListener | undefined;
  /** `movedBytes` when the connection was last seen not to be stuck. */
  #movedBytesSeen = 0;

  start(): void {
    const { connection, http } = this;
    http.turnMs = http.nowMs();
    connection.client.handler = this;
    connection.isIdle = true;
    connection.onEnded = () => this.#leave();
    connection.uses = () => this.allStreams();
    http.h2.sessions.add(this);
    this.#headBeganMs = http.turnMs;
    this.#settingsAtMs = http.turnMs;
    this.#idleSinceMs = http.turnMs;
    this.output.frame(FRAME.settings, 0, 0, SETTINGS);
    this.flushSoon();
    if (http.isDraining || this.isOutdated()) this.drain();
    this.#setDeadline();
    connection.client.resume();
  }

  isOutdated(): boolean {
    const { listener, rules, identity, identityName } = this.connection;
    if (listener.isDeparted) return true;
    if (rules.spec === this.#specSeen) return false;
    this.#specSeen = rules.spec;
    return resolveName(rules, identityName).identity.key.id !== identity?.id;
  }

  get isDone(): boolean {
    return this.connection.isOver || this.#ending !== undefined;
  }

  onOpen(): void {}

  onData(chunk: Buffer, isLent: boolean): void {
    const { http, connection } = this;
    http.turnMs = http.nowMs();
    connection.bytesFromClient += chunk.length;
    if (this.isDone) return;
    this.turnBytes = chunk.length;
    this.#reader.read(chunk, isLent);
    this.flushRequests();
    if (this.isDone) return;
    const isHeadPartial = this.#reader.isFirst || this.#frames.hasPartialBlock;
    if (!isHeadPartial) this.#headBeganMs = -1;
    else if (this.#headBeganMs < 0) this.#headBeganMs = http.turnMs;
    if (this.#frames.blockBytes >= MIN_COUNTED_BYTES) this.flushSoon();
    this.#setDeadline();
  }

  settingsAcknowledged(): void {
    this.#settingsAtMs = -1;
    this.knowsLimit = true;
    this.mayDo("settings-flood");
  }

  pingAcknowledged(): void {
    if (this.#draining === "asked") this.#announceLast();
    else this.mayDo("ping-flood");
  }

  /** Asks the client to open no more streams (RFC 9113 section 6.8). */
  drain(): void {
    if (this.#draining !== "no" || this.isDone) return;
    this.#draining = "asked";
    this.#drainBeganMs = this.http.nowMs();
    this.writeGoaway(MAX_31_BITS, ERROR.none);
    this.output.frame(FRAME.ping, 0, 0, DRAIN_PING);
    this.#setDeadline();
  }

  /** Streams after the last one that was opened are not served. */
  #announceLast(): void {
    this.#draining = "announced";
    this.refusesStreams = true;
    this.writeGoaway(this.lastStreamId, ERROR.none);
    this.#endIfServed();
  }

  protected streamsChanged(): void {
    const { connection, http } = this;
    connection.isIdle = this.isEmpty;
    // Otherwise the deadline can only have become later, which is found out when it passes.
    if (!this.isEmpty) return;
    this.#idleSinceMs = http.turnMs;
    connection.server = undefined;
    this.#endIfServed();
    this.#setDeadline();
  }

  #endIfServed(): void {
    if (!this.isEmpty || this.isDone) return;
    if (this.#draining === "announced" || this.hasEnded) this.#endWhenSent("completed");
  }

  flushTurn(): void {
    const { connection, http } = this;
    if (connection.isOver) return;
    http.turnMs = http.nowMs();
    this.sendTurn();
    if (connection.firstByteMs < 0 && this.requests > 0) {
      connection.firstByteMs = connection.elapsedMs();
    }
    this.#countHeld();
    if (this.hasEnded && this.#ending === undefined) this.dropUnfinished();
    // A client that takes no answers to its control frames is not read.
    if (this.output.isFull && !connection.isOver) connection.client.pause();
  }

  #countHeld(): void {
    const { relayMemory } = this.http;
    const { blockBytes } = this.#frames;
    const otherBytes = this.queuedBytes + this.window.keptBytes + this.headBytes + this.stuckBytes;
    const isCounted = otherBytes >= HIGH_WATER_MARK_BYTES || blockBytes >= MIN_COUNTED_BYTES;
    // The connection is not stuck if the client takes bodies of answers, or endpoints take bodies of requests. Other frames do not count.
    const hasMoved = this.movedBytes - this.#movedBytesSeen >= HIGH_WATER_MARK_BYTES;
    if (!isCounted || hasMoved) {
      relayMemory.release(this);
      this.#movedBytesSeen = this.movedBytes;
    }
    if (isCounted) relayMemory.hold(this, otherBytes + blockBytes);
  }

  onDrain(): void {
    const { http, connection } = this;
    http.turnMs = http.nowMs();
    if (connection.isOver) return;
    if (this.#ending !== undefined) {
      this.#endIfSent(this.#ending);
      return;
    }
    this.socketDrained();
    connection.client.resume();
  }

  fail(fault: Fault): void {
    if (this.isDone) return;
    this.countFault(fault);
    this.writeGoaway(this.lastStreamId, fault.code);
    this.#endNow("bad-request", "client-aborted");
  }

  shed(): void {
    this.endAllStreams("over-limit");
    endConnection(this.connection, "relay-memory");
  }

  #endNow(outcome: ConnectionOutcome, ofStreams: HttpOutcome): void {
    this.#ending = outcome;
    this.endAllStreams(ofStreams);
    this.output.flush();
    this.connection.bytesToClient = this.output.written;
    endConnection(this.connection, outcome, NOTHING);
  }

  #endWhenSent(outcome: ConnectionOutcome): void {
    const { http } = this;
    this.#ending = outcome;
    this.sendTurn();
    this.#endingMovedAtMs = http.turnMs;
    this.connection.client.end();
    this.connection.client.resume();
    this.#endIfSent(outcome);
  }

  #endIfSent(outcome: ConnectionOutcome): void {
    const { connection, http } = this;
    const { queuedBytes } = connection.client;
    if (queuedBytes === 0) {
      endConnection(connection, outcome, NOTHING);
      return;
    }
    if (queuedBytes !== this.#endingQueueSeen) this.#endingMovedAtMs = http.turnMs;
    this.#endingQueueSeen = queuedBytes;
    if (http.turnMs - this.#endingMovedAtMs < connection.rules.spec.timeouts.idleMs) {
      connection.setDeadline(SENT_CHECK_MS, this);
    } else endConnection(connection, outcome);
  }

  /** Sets the deadline of the connection. Exchanges have their own. */
  #setDeadline(): void {
    if (this.isDone) return;
    this.connection.deadline = this;
    this.connection.deadlineAtMs = Math.min(
      this.#settingsAtMs < 0 ? Infinity : this.#settingsAtMs + SETTINGS_ACK_MS,
      this.#headDeadlineMs(),
      this.#draining === "asked" ? this.#drainBeganMs + DRAIN_PING_MS : Infinity,
      this.#idleDeadlineMs(),
    );
  }

  #headDeadlineMs(): number {
    return this.#headBeganMs < 0
      ? Number.POSITIVE_INFINITY
      : this.#headBeganMs + this.connection.rules.spec.http.headMs;
  }

  #idleDeadlineMs(): number {
    if (!this.isEmpty) return Number.POSITIVE_INFINITY;
    // Without a time between requests, there is still one for the first.
    const { headMs, keepAliveMs } = this.connection.rules.spec.http;
    return this.#idleSinceMs + (this.requests === 0 && keepAliveMs === 0 ? headMs : keepAliveMs);
  }

  deadlinePassed(): void {
    const { http } = this;
    const nowMs = http.nowMs();
    http.turnMs = nowMs;
    if (this.#ending !== undefined) this.#endIfSent(this.#ending);
    else if (this.#settingsAtMs >= 0 && this.#settingsAtMs + SETTINGS_ACK_MS <= nowMs) {
      this.fail({ code: ERROR.settingsTimeout, cause: "settings-timeout" });
    } else if (this.#headDeadlineMs() <= nowMs) this.#goIdle();
    else if (this.#draining === "asked" && this.#drainBeganMs + DRAIN_PING_MS <= nowMs) {
      this.#announceLast();
      this.#setDeadline();
    } else if (this.#idleDeadlineMs() <= nowMs) this.#goIdle();
    else this.#setDeadline();
  }

  /** The client has opened no stream in time, or has not sent a head whole. */
  #goIdle(): void {
    this.writeGoaway(this.lastStreamId, this.isEmpty ? ERROR.none : ERROR.protocol);
    if (this.isEmpty) this.#endWhenSent("idle");
    else this.#endNow("idle", "head-timeout");
  }

  /** The client sends no more. It still gets the answers to what it has sent. */
  onEnd(): void {
    this.http.turnMs = this.http.nowMs();
    countSilentEnd(this.connection, undefined);
    this.hasEnded = true;
    if (this.#ending !== undefined) {
      this.#endIfSent(this.#ending);
      return;
    }
    this.flushSoon();
    this.#endIfServed();
  }

  onClose(failure: WireFailure | undefined): void {
    const { connection } = this;
    this.http.turnMs = this.http.nowMs();
    countSilentEnd(connection, failure);
    this.endAllStreams("client-aborted");
    const inOrder = this.#ending ?? "completed";
    endConnection(connection, failure === undefined ? inOrder : outcomeOfBreak(true, failure));
  }

  #leave(): void {
    const { connection, http } = this;
    http.turnMs = http.nowMs();
    const outcome: HttpOutcome = exchangeOutcomeOf(connection.ended) ?? "client-aborted";
    this.endAllStreams(outcome);
    this.bound.close();
    this.output.drop();
    http.h2.sessions.delete(this);
    http.relayMemory.release(this);
  }
}
