import type { HttpOutcome } from "#model/records/http-outcome.ts";
import { slotsByLabel } from "../../observe/counters.ts";
import { HIGH_WATER_MARK_BYTES } from "../../wire/wire.ts";
import { ClientFacts } from "../edits/client-facts.ts";
import type { EndpointSession } from "../h1/endpoint-session.ts";
import { type HeadRule, refusalOf } from "../head/head-refusal.ts";
import { HostJudge } from "../host-judge.ts";
import { recordUnread } from "../record-unread.ts";
import { BoundEndpoints } from "./bound-endpoints.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ConnectionWindow } from "./connection-window.ts";
import { BAD_FRAME } from "./frame-reader.ts";
import { ERROR, type ErrorCode, type Fault, FLAG, FRAME, MAX_STREAMS } from "./frames.ts";
import { HpackDecoder, type FieldSink, type HpackResult } from "./hpack/hpack-decoder.ts";
import { OpenStreams } from "./open-streams.ts";
import { SessionSender } from "./session-sender.ts";
import { Stream } from "./stream.ts";
import { IGNORED_BLOCK } from "./trailer-block.ts";

const REFUSED_SLOTS = slotsByLabel("tlsd_http_refused_total");

/** SETTINGS_HEADER_TABLE_SIZE: the initial value. */
const TABLE_BYTES = 4_096;
const MAX_EARLY_STREAMS = 1_000;
const BAD_STREAM: Fault = { code: ERROR.streamClosed, cause: "bad-stream" };
const BAD_WINDOW: Fault = { code: ERROR.flowControl, cause: "bad-window" };

/** The half of a session that receives: it opens streams, and knows which frames they may get (RFC 9113 section 5.1). */
export abstract class SessionReceiver extends SessionSender {
  readonly hosts: HostJudge;
  readonly bound = new BoundEndpoints();
  protected requests = 0;
  protected lastStreamId = 0;
  /** Whether the client has acknowledged the limit of streams. */
  protected knowsLimit = false;
  /** Whether streams that are opened are ignored, because the client was told the last one. */
  protected refusesStreams = false;
  /** Bytes of the event that is being handled and that belong to no request yet. */
  protected turnBytes = 0;
  readonly window = new ConnectionWindow();
  readonly #streams = new OpenStreams<Stream>();
  readonly #closed = new ClosedStreams();
  readonly #decoder = new HpackDecoder(TABLE_BYTES);
  #earlyStreams = 0;
  /** The stream of the DATA frame that is being read. Undefined if its bytes are ignored. */
  #dataStream: Stream | undefined;
  #isEmptyData = false;
  /** The stream whose request is in the output to endpoints. */
  #sending: Stream | undefined;
  #facts: ClientFacts | undefined;

  constructor(connection: SessionSender["connection"]) {
    super(connection);
    this.hosts = new HostJudge(connection);
  }

  abstract get isDone(): boolean;
  /** Whether the client has ended its half, but may still read. */
  abstract readonly hasEnded: boolean;
  /** A stream was opened or closed. */
  protected abstract streamsChanged(): void;

  protected allStreams(): Iterable<Stream> {
    return this.#streams.all();
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  get bindsEndpoints(): boolean {
    const { proxyProtocol, spec } = this.connection.rules;
    return proxyProtocol !== "none" || spec.http.pool.reuse === "never";
  }

  keepBound(session: EndpointSession): void {
    if (this.isDone) session.close();
    else this.bound.keep(session);
  }

  /** Writes what was collected for the endpoint of another stream. The output to endpoints has one owner at a time. */
  willSend(stream: Stream): void {
    if (this.#sending === stream) return;
    this.flushRequests();
    this.#sending = stream;
  }

  protected flushRequests(): void {
    const stream = this.#sending;
    this.#sending = undefined;
    stream?.exchange?.flushRequest();
  }

  /** Whether HEADERS of this stream are allowed. Otherwise the connection has ended. */
  headersBegin(id: number, dependsOnItself: boolean): boolean {
    const isNew = id > this.lastStreamId;
    if (dependsOnItself || id % 2 === 0) this.fail(BAD_FRAME);
    else if (!isNew && this.#streams.of(id) === undefined) {
      const closing = this.#closed.of(id);
      // An id that was skipped is that of a closed stream, but was never opened (RFC 9113 section 5.1.1).
      if (closing === undefined) this.fail(BAD_FRAME);
      else if (closing === "ended") this.fail(BAD_STREAM);
    }
    return !this.isDone;
  }

  /** Takes a whole field block. */
  block(id: number, bytes: Buffer, from: number, to: number, endsStream: boolean): void {
    if (id > this.lastStreamId) {
      this.#readRequest(id, bytes, from, to, endsStream);
      return;
    }
    const stream = this.#streams.of(id);
    if (stream !== undefined) this.#readTrailers(stream, bytes, from, to, endsStream);
    else {
      this.#decode(bytes, from, to, IGNORED_BLOCK);
      if (this.#closed.of(id) === "by-client") this.#resetClosed(id, ERROR.streamClosed);
      else this.mayDo("empty-frame-flood");
    }
  }

  /** Returns undefined if the block cannot be decoded. The connection has then ended. */
  #decode(bytes: Buffer, from: number, to: number, sink: FieldSink): HpackResult | undefined {
    const result = this.#decoder.decode(bytes, from, to, sink);
    if (result === "compression-error") {
      this.fail({ code: ERROR.compression, cause: "bad-compression" });
      return undefined;
    }
    if (result === "flood") {
      this.fail({ code: ERROR.enhanceYourCalm, cause: "head-flood" });
      return undefined;
    }
    return result;
  }

  #readRequest(id: number, bytes: Buffer, from: number, to: number, endsStream: boolean): void {
    this.lastStreamId = id;
    if (this.refusesStreams || this.#streams.size >= MAX_STREAMS) {
      this.#decode(bytes, from, to, IGNORED_BLOCK);
      // Before the client knows the limit, it may open more streams (RFC 9113 section 6.5.2).
      const isEarly = !this.knowsLimit && this.#earlyStreams < MAX_EARLY_STREAMS;
      if (isEarly) this.#earlyStreams += 1;
      this.#resetClosed(id, ERROR.refusedStream, isEarly);
      return;
    }
    const { request } = this.http.h2;
    request.restart();
    const result = this.#decode(bytes, from, to, request);
    if (result === undefined) return;
    this.requests += 1;
    this.connection.hasOwnLine = false;
    const stream = new Stream(id, this, this.requests);
    stream.hasReceivedEnd = endsStream;
    const rule = ruleOf(result, request.rule) ?? request.finish(endsStream);
    this.#streams.add(stream);
    if (rule === undefined) {
      this.willSend(stream);
      this.#facts = ClientFacts.inForce(this.connection, this.#facts);
      stream.begin(request, this.#facts, this.http.turnMs, to - from);
    } else this.#refuse(stream, rule);
    this.streamsChanged();
  }

  /** Refuses a request. One that is malformed resets its stream (RFC 9113 section 8.1.1). */
  #refuse(stream: Stream, rule: HeadRule): void {
    const { connection, http } = this;
    const status = statusOf(rule);
    const isMalformed = status === 400 && rule !== "unknown-websocket-version";
    let bodyBytesToClient = 0;
    if (isMalformed) this.resetStream(stream, ERROR.protocol);
    else {
      const bodyBytes = stream.sendOwnAnswer(status, http.h2.request.isHead);
      bodyBytesToClient = bodyBytes - stream.unsentBytes;
      if (!stream.isClosed) stream.linger();
    }
    const { turnMs: nowMs } = http;
    const { number, protocol, requestId, bytesToClient } = stream;
    recordUnread(connection, {
      ...{ number, protocol, requestId, outcome: "refused", rule },
      status: isMalformed ? 0 : status,
      ...{ beganMs: nowMs, nowMs, bytesToClient, bodyBytesToClient },
    });
  }

  #readTrailers(
    stream: Stream,
    bytes: Buffer,
    from: number,
    to: number,
    endsStream: boolean,
  ): void {
    const { trailers } = this.http.h2;
    trailers.restart();
    const result = this.#decode(bytes, from, to, trailers);
    if (result === undefined) return;
    if (stream.hasReceivedEnd) this.#abort(stream, ERROR.streamClosed);
    else {
      const rule = ruleOf(result, trailers.rule);
      if (rule !== undefined || !endsStream) this.#abort(stream, ERROR.protocol, rule);
      else if (!stream.receiveEnd(trailers.copy())) {
        this.#abort(stream, ERROR.protocol, "wrong-length");
      }
    }
  }

  /** Ends the exchange of a stream whose client has violated the protocol. */
  #abort(stream: Stream, code: ErrorCode, rule?: HeadRule): void {
    const { exchange } = stream;
    if (rule !== undefined) {
      this.connection.listener.counters.add(REFUSED_SLOTS[rule]);
      if (exchange !== undefined) exchange.rule = rule;
    }
    this.resetStream(stream, code);
  }

  dataBegins(id: number, length: number, endsStream: boolean): void {
    const stream = this.#streams.of(id);
    this.#dataStream = undefined;
    this.#isEmptyData = !endsStream;
    if (!this.window.countFrame(length)) this.fail(BAD_WINDOW);
    else if (stream === undefined) this.#dataOfClosed(id);
    else if (stream.hasReceivedEnd) this.#abort(stream, ERROR.streamClosed);
    else if (stream.countFrame(length)) this.#dataStream = stream;
    else this.#abort(stream, ERROR.flowControl);
  }

  #dataOfClosed(id: number): void {
    if (id > this.lastStreamId) {
      this.fail({ code: ERROR.protocol, cause: "bad-stream" });
      return;
    }
    const closing = this.#closed.of(id);
    if (closing === "ended" || closing === undefined) this.fail(BAD_STREAM);
    else if (closing === "by-client") this.#resetClosed(id, ERROR.streamClosed);
  }

  data(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    if (to > from) this.#isEmptyData = false;
    const stream = this.#dataStream;
    if (stream === undefined || stream.receive(bytes, from, to, isLent)) return;
    this.#dataStream = undefined;
    this.#abort(stream, ERROR.protocol, "wrong-length");
  }

  dataEnds(endsStream: boolean): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (this.#isEmptyData && !this.mayDo("empty-frame-flood")) return;
    if (stream !== undefined && endsStream && !stream.receiveEnd()) {
      this.#abort(stream, ERROR.protocol, "wrong-length");
    }
    stream?.grant();
    const increment = this.isDone ? 0 : this.window.takeGrant();
    if (increment > 0) this.writeWindowUpdate(0, increment);
  }

  addKept(bytes: number): void {
    const { window } = this;
    window.keptBytes += bytes;
    if (bytes < 0) this.movedBytes -= bytes;
    // At the end of the turn, the memory for slow peers is told.
    if (window.keptBytes >= HIGH_WATER_MARK_BYTES) this.flushSoon();
  }

  tryWiden(fromBytes: number, toBytes: number): boolean {
    const { relayMemory } = this.http;
    const isScarce = relayMemory.heldBytes * 2 > relayMemory.limitBytes;
    return !isScarce && this.window.tryWiden(fromBytes, toBytes);
  }

  giveBack(windowBytes: number): void {
    this.window.giveBack(windowBytes);
  }

  streamReset(id: number): void {
    const stream = this.#streams.of(id);
    if (id > this.lastStreamId) this.fail(BAD_FRAME);
    else if (stream === undefined) this.mayDo("empty-frame-flood");
    else {
      this.#remove(stream, "by-client");
      this.mayDo("reset-flood");
    }
  }

  windowUpdated(id: number, increment: number): void {
    const stream = this.#streams.of(id);
    if (!this.mayUpdate()) return;
    if (id === 0) {
      if (increment === 0) this.fail(BAD_FRAME);
      else if (!this.widen(increment)) this.fail(BAD_WINDOW);
    } else if (stream === undefined) {
      if (id > this.lastStreamId) this.fail(BAD_FRAME);
    } else if (increment === 0) this.#abort(stream, ERROR.protocol);
    else if (!this.widenStream(stream, increment)) this.#abort(stream, ERROR.flowControl);
  }

  takeSettings(bytes: Buffer, from: number, to: number): void {
    const { peer } = this;
    if (!this.mayDo("settings-flood")) return;
    const before = peer.initialWindowBytes;
    const fault = peer.take(bytes, from, to);
    if (fault !== undefined) {
      this.fail(fault);
      return;
    }
    if (peer.tableBytes !== undefined) this.encoder.limitTable(peer.tableBytes);
    const change = peer.initialWindowBytes - before;
    for (const stream of change === 0 ? [] : this.#streams.all()) {
      if (!this.widenStream(stream, change)) {
        this.fail(BAD_WINDOW);
        return;
      }
    }
    this.output.frame(FRAME.settings, FLAG.ack, 0, NOTHING);
    this.flushSoon();
  }

  /** Resets a stream because of what the client did. */
  resetStream(stream: Stream, code: ErrorCode): void {
    if (!stream.hasSentEnd) this.writeReset(stream.id, code);
    this.#remove(stream, "by-director");
    this.mayDo("reset-flood");
  }

  /** Resets a stream that is not open. */
  #resetClosed(id: number, code: ErrorCode, isFree = false): void {
    this.#closed.add(id, "by-director");
    this.writeReset(id, code);
    if (!isFree) this.mayDo("reset-flood");
  }

  #remove(stream: Stream, closing: "by-client" | "by-director" | "ended"): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.#streams.remove(stream);
    this.#closed.add(stream.id, closing);
    stream.clientGone("client-aborted");
    this.streamsChanged();
  }

  /** The exchange of the stream is over. */
  exchangeOver(stream: Stream): void {
    this.tryClose(stream);
    if (!stream.isClosed) stream.linger();
  }

  /** Closes a stream whose answer was sent and whose exchange is over. A client that still sends is told to stop. */
  tryClose(stream: Stream): void {
    if (stream.isClosed || !stream.hasSentEnd || stream.exchange !== undefined) return;
    if (!stream.hasReceivedEnd && !stream.isReset) this.writeReset(stream.id, ERROR.none);
    this.#remove(stream, stream.hasReceivedEnd && !stream.isReset ? "ended" : "by-director");
  }

  /** Ends the streams that cannot go on, because the client sends no more: what is left of the request, or opens a window. */
  protected dropUnfinished(): void {
    for (const stream of this.#streams.all()) {
      const isStuck = stream.bodyBytesQueued > 0 && !this.output.isFull;
      if (!stream.hasReceivedEnd || isStuck) this.#remove(stream, "by-client");
    }
  }

  protected endAllStreams(outcome: HttpOutcome): void {
    for (const stream of this.#streams.all()) {
      if (stream.isClosed) continue;
      this.#streams.remove(stream);
      stream.isClosed = true;
      stream.clientGone(outcome);
    }
  }
}

const NOTHING = Buffer.alloc(0);

/**
 * The scheme of a request of HTTP/2 is part of its form, and a proxy of other schemes is not meant. 426 is no status for HTTP/2, because it
 * needs the field Upgrade.
 */
const statusOf = (rule: HeadRule): number =>
  rule === "bad-scheme" || rule === "unknown-websocket-version" ? 400 : refusalOf(rule).status;

/** Returns the rule that a block breaks. One that is cut off without a rule is over a limit. */
const ruleOf = (result: HpackResult, rule: HeadRule | undefined): HeadRule | undefined =>
  rule ?? (result === "cut" ? "long-head" : undefined);
