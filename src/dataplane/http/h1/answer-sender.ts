import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HttpOutcome } from "#model/records/http-outcome.ts";
import type { ConnectionOutcome } from "#model/records/outcome.ts";
import type { DeadlineListener } from "../../connection/connection-state.ts";
import { endConnection } from "../../connection/finish.ts";
import { HIGH_WATER_MARK_BYTES } from "../../wire/wire.ts";
import { failureAnswer } from "../edits/failure-answer.ts";
import { requestIdOf } from "../edits/request-id.ts";
import { writeAnswerHead, type AnswerEdits } from "../edits/write-answer-head.ts";
import { writeLastChunk } from "../edits/write-trailers.ts";
import type { Exchange } from "../exchange.ts";
import type { HeadFields } from "../head/head-fields.ts";
import { CHUNKED, UNTIL_CLOSE } from "../head/message-framing.ts";
import type { ResponseParser } from "../head/response-parser.ts";
import type { HttpPlane } from "../http-plane.ts";
import type { HttpConnection } from "../http-rules.ts";
import type { Output } from "../output.ts";
import type { Congested } from "../../live/relay-memory.ts";

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
const NOTHING = Buffer.alloc(0);
/**
 * How often a connection that ends is asked whether everything was sent. An engine reports that a queue is empty only if the queue was
 * long.
 */
const SENT_CHECK_MS = 100;

/** Sends answers in the syntax of HTTP/1.1, and decides whether the connection ends with them. */
export abstract class AnswerSender implements Congested, DeadlineListener {
  readonly connection: HttpConnection;
  protected readonly http: HttpPlane;
  /** Number of requests that have begun. */
  protected requests = 0;
  /** Whether the client has ended its half, but may still read. */
  hasEnded = false;
  /** Facts of the request that is being answered. */
  protected isHttp10 = false;
  protected wantsClose = false;
  protected wantsJson = false;
  /** The id that a trusted client has given to its request. */
  protected givenId: string | undefined;
  /** Whether the connection ends after the answer. */
  protected closes = false;
  /** How the connection ends as soon as the client has taken what was sent. */
  protected ending: ConnectionOutcome | undefined;
  /** Whether the client must not take the last answer for whole. */
  #isBroken = false;
  /** When the queue of the ending connection became shorter, and how long it was. */
  #movedAtMs = 0;
  #queuedBytesSeen = 0;
  #isChunked = false;

  constructor(connection: HttpConnection) {
    this.connection = connection;
    this.http = connection.plane.http;
  }

  abstract shed(): void;
  abstract deadlinePassed(): void;
  /** Gives up what the connection holds besides its socket and its exchange. */
  protected abstract leave(): void;

  protected get output(): Output {
    return this.http.toClient.of(this);
  }

  get queuedBytes(): number {
    return this.connection.client.queuedBytes;
  }

  get isBehind(): boolean {
    return this.queuedBytes >= HIGH_WATER_MARK_BYTES;
  }

  get bytesToClient(): number {
    return this.connection.bytesToClient;
  }

  get protocol(): ExchangeRecord["protocol"] {
    return this.isHttp10 ? "HTTP/1.0" : "HTTP/1.1";
  }

  /** Built on demand, because most requests need no text of it. */
  protected get requestId(): string {
    return this.givenId ?? requestIdOf(this.connection, this.requests);
  }

  /** Whether the connection ends with the next answer (RFC 9112 section 9.6). */
  #mustClose(): boolean {
    const { isDeparted } = this.connection.listener;
    const isLast = isDeparted || this.connection.rules.spec.http.keepAliveMs === 0;
    return isLast || this.wantsClose || this.hasEnded || this.http.isDraining;
  }

  sendContinue(): void {
    this.#send(CONTINUE);
  }

  sendInterim(answer: ResponseParser, bytes: Buffer): void {
    // A client of HTTP/1.0 does not know them (RFC 9110 section 15.2).
    if (!this.isHttp10) this.writeHead(answer, bytes, false, undefined);
  }

  sendHead(exchange: Exchange, answer: ResponseParser, bytes: Buffer): void {
    const { bodyLength } = answer;
    const hasUnknownLength = bodyLength === UNTIL_CLOSE || bodyLength === CHUNKED;
    // An answer that comes before the whole request leaves the rest of it unread.
    this.closes =
      !exchange.isRequestWhole || (hasUnknownLength && this.isHttp10) || this.#mustClose();
    this.#isChunked = hasUnknownLength && !this.isHttp10;
    const keepAlive = this.isHttp10 ? "keep-alive" : undefined;
    this.writeHead(answer, bytes, this.#isChunked, this.closes ? "close" : keepAlive);
  }

  protected writeHead(
    answer: ResponseParser,
    bytes: Buffer,
    isChunked: boolean,
    connection: AnswerEdits["connection"],
  ): void {
    const { rules } = this.connection;
    writeAnswerHead(this.output, answer, bytes, { rules, isChunked, connection });
  }

  sendBody(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    const { output } = this;
    const { client } = this.connection;
    if (this.#isChunked) output.chunk(client, bytes, from, to, isLent);
    else output.body(client, bytes, from, to, isLent);
  }

  endBody(trailers: HeadFields | undefined): void {
    if (this.#isChunked) writeLastChunk(this.output, trailers);
    this.flush();
  }

  /** HTTP/1.1 has no windows: what is sent is in the socket. */
  get unsentBytes(): number {
    return 0;
  }

  flush(): void {
    const { connection, output } = this;
    if (connection.firstByteMs < 0) connection.firstByteMs = connection.elapsedMs();
    output.flush(connection.client);
    connection.bytesToClient += output.takeWritten();
    const { queuedBytes } = connection.client;
    if (queuedBytes >= HIGH_WATER_MARK_BYTES) this.http.relayMemory.hold(this, queuedBytes);
  }

  sendFailure(exchange: Exchange, status: number): number {
    this.closes = !exchange.isRequestWhole || status === 502 || this.#mustClose();
    return this.sendOwnAnswer(status, exchange.isHead);
  }

  /** Answers in the place of an endpoint. Returns the length of the body. */
  protected sendOwnAnswer(status: number, isHead: boolean): number {
    const { requestId, wantsJson, closes, isHttp10, connection } = this;
    const answer = { status, requestId, wantsJson, isHead, closes, isHttp10 };
    const { head, body } = failureAnswer(connection.rules, answer);
    this.output.all(head);
    this.#send(body);
    return body.length;
  }

  #send(bytes: Buffer): void {
    this.output.all(bytes);
    this.flush();
  }

  breakOff(outcome: HttpOutcome): void {
    this.flush();
    this.endWhenSent(outcome === "over-limit" ? "relay-memory" : "endpoint-reset", true);
  }

  /** Ends the connection as soon as the client has taken everything that was sent. */
  protected endWhenSent(outcome: ConnectionOutcome, isBroken = false): void {
    const { connection } = this;
    if (connection.isOver || this.ending !== undefined) return;
    this.ending = outcome;
    this.#isBroken = isBroken;
    this.leave();
    this.#movedAtMs = this.http.turnMs;
    // What is queued still goes out. The client of a broken answer must not see an end in order.
    if (this.queuedBytes > 0 && !isBroken) connection.client.end();
    this.endIfSent(outcome);
    if (!connection.isOver) connection.client.resume();
  }

  /** Ends the connection if the client has taken everything, or has taken nothing for the idle time. */
  protected endIfSent(outcome: ConnectionOutcome): void {
    const { connection, queuedBytes } = this;
    if (queuedBytes === 0) {
      // Without the farewell, the client of a broken answer gets no close_notify.
      endConnection(connection, outcome, this.#isBroken ? undefined : NOTHING);
      return;
    }
    const { turnMs } = this.http;
    if (queuedBytes !== this.#queuedBytesSeen) this.#movedAtMs = turnMs;
    this.#queuedBytesSeen = queuedBytes;
    if (turnMs - this.#movedAtMs < connection.rules.spec.timeouts.idleMs) {
      connection.setDeadline(SENT_CHECK_MS, this);
    } else endConnection(connection, outcome);
  }
}
