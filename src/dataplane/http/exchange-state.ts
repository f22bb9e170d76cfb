import type { HttpOutcome, HttpRule } from "#model/records/http-outcome.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { EndpointUser } from "../connection/acquire-endpoint.ts";
import type { DeadlineListener, Plane } from "../connection/connection-state.ts";
import type { EndpointSet } from "../endpoint/endpoint-set.ts";
import type { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Deadlined } from "../live/deadlines.ts";
import type { WireSocket } from "../wire/wire.ts";
import type { ExchangeClient } from "./exchange-client.ts";
import type { RequestTexts } from "./exchange-facts.ts";
import type { EndpointSession } from "./h1/endpoint-session.ts";
import { CHUNKED } from "./head/message-framing.ts";
import type { HttpConnection, HttpRules } from "./http-rules.ts";
import type { RequestHead } from "./request-head.ts";
import { tryWebSocketKey } from "./upgrade/web-socket.ts";

/** A body with Content-Length must arrive at 1 KB/s on average over this time. */
const RATE_WINDOW_MS = 30_000;
const MIN_WINDOW_BYTES = 30 * 1_024;

/** What the client's side knows about a request when its head is whole. */
export interface ExchangeBegin {
  readonly number: number;
  readonly beganMs: number;
  readonly headBytes: number;
  /** The host and port that the request is for. */
  readonly authority: string;
  readonly texts: RequestTexts | undefined;
}

/** The state of an exchange, and its deadlines. */
export abstract class ExchangeState implements Deadlined, DeadlineListener, EndpointUser {
  readonly client: ExchangeClient;
  readonly connection: HttpConnection;
  readonly method: string;
  readonly isHead: boolean;
  /** Whether the request may be sent twice: it is idempotent (RFC 9110 section 9.2.2) and has no body. */
  readonly isRepeatable: boolean;
  readonly bodyLength: number;
  readonly isBoundToConnection: boolean;
  /** Undefined if the request does not ask for a WebSocket. */
  readonly webSocketKey: string | undefined;
  protected readonly expectsContinue: boolean;
  /** Number of the request on its connection. The first is 1. */
  readonly number: number;
  /** When the first byte of the request arrived, and when its head was whole. */
  readonly beganMs: number;
  readonly startedMs: number;
  readonly headBytes: number;
  /** The host and port that the request is for. */
  readonly authority: string;
  /** What the access line says about the request. Undefined if no line is written. */
  readonly texts: RequestTexts | undefined;
  deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  #deadline: DeadlineListener = this;
  server: string | undefined;
  lease: EndpointLease | undefined;
  /** The endpoint that had the request when the exchange was over. */
  endpointUsed: SnapshotEndpoint | undefined;
  endpointFailure: EndpointFailure | undefined;
  endpoint: EndpointSession | undefined;
  isRequestWhole = false;
  hasAnswerBegun = false;
  hasAnswerHead = false;
  /** Whether the client was told to send the body. */
  protected hasContinued = false;
  isOver = false;
  /** Whether the connection to the endpoint had served a request before. */
  isReused = false;
  /** Whether the request was sent twice. */
  hasRetried = false;
  /** The rule that the answer of the endpoint breaks. */
  rule: HttpRule | undefined;
  /** The name of the field that breaks it. */
  field: string | undefined;
  /** Bytes of the body since the window of the least rate began, or -1 if reading was paused in it. */
  protected windowBytes = 0;
  #queuedBytesSeen = 0;
  /** The status that the client got, or 0. */
  status = 0;
  /** Milliseconds since the start of the exchange, or -1. */
  connectMs = -1;
  firstByteMs = -1;
  bytesFromClient = 0;
  /** Bytes of the body of the answer. A part of them may still wait for the client. */
  bytesToClient = 0;
  /** The length of the head that told the client of a switch of protocols. */
  switchBytes = 0;
  /** What the client was sent before this exchange. */
  readonly bytesToClientBefore: number;

  constructor(client: ExchangeClient, request: RequestHead, begin: ExchangeBegin) {
    const { connection } = client;
    this.client = client;
    this.connection = connection;
    this.method = request.method;
    this.isHead = request.method === "HEAD";
    this.bodyLength = request.bodyLength;
    this.isRepeatable = request.isIdempotent && request.bodyLength === 0;
    this.isBoundToConnection = request.isBoundToConnection;
    this.webSocketKey =
      request.upgrade === "websocket" ? tryWebSocketKey(request.fields) : undefined;
    this.expectsContinue = request.expectsContinue;
    this.startedMs = connection.plane.http.turnMs;
    this.number = begin.number;
    this.beganMs = begin.beganMs;
    this.headBytes = begin.headBytes;
    this.authority = begin.authority;
    this.texts = begin.texts;
    this.bytesToClientBefore = client.bytesToClient;
  }

  /** When the event began that is being handled. */
  get nowMs(): number {
    return this.connection.plane.http.turnMs;
  }
  get plane(): Plane {
    return this.connection.plane;
  }
  get listener(): HttpConnection["listener"] {
    return this.connection.listener;
  }
  get rules(): HttpRules {
    return this.connection.rules;
  }
  endpointSet(): EndpointSet {
    return this.rules.routes.of(this.client.hosts.judge(this.authority).route);
  }
  get clientAddress(): string {
    return this.connection.clientAddress;
  }

  /** Ends the exchange. The client gets an answer with this status if none has begun. */
  abstract abort(outcome: HttpOutcome, status: number): void;
  abstract giveUp(): void;

  reconsider(): void {
    const { lease } = this;
    if (lease !== undefined && !this.endpointSet().has(lease.candidate)) lease.abandon();
  }

  announce(endpoint: WireSocket): void {
    this.connection.announce(endpoint);
  }

  /** Moves the idle deadline. */
  touch(): void {
    const { idleMs, halfClosedMs } = this.rules.spec.timeouts;
    const ms = this.client.hasEnded ? halfClosedMs : idleMs;
    this.deadlineAtMs = this.plane.deadlines.nowMs + ms;
    this.#deadline = this;
  }

  setDeadline(ms: number, listener: DeadlineListener): void {
    this.deadlineAtMs = this.plane.deadlines.in(ms);
    this.#deadline = listener;
  }

  /** Sets a deadline of the exchange itself, from the event that is being handled. */
  #expectWithin(ms: number): void {
    this.deadlineAtMs = this.nowMs + ms;
    this.#deadline = this;
  }

  onDeadline(): void {
    this.plane.http.turnMs = this.plane.clock.nowMs();
    this.#deadline.deadlinePassed();
  }

  deadlinePassed(): void {
    if (!this.isRequestWhole) this.#bodyIsLate();
    else if (!this.hasAnswerHead) this.abort("answer-timeout", 504);
    else if (this.#hasMoved()) this.touch();
    else this.abort("idle", 504);
  }

  #bodyIsLate(): void {
    if (this.expectsContinue && !this.hasContinued) {
      this.hasContinued = true;
      // A client that sends the body already needs no 100 (RFC 9110 section 10.1.1).
      if (this.bytesFromClient === 0 && !this.hasAnswerHead) this.client.sendContinue();
      this.beginWindow();
      return;
    }
    if (this.windowBytes < 0) {
      if (this.#hasMoved()) this.touch();
      else this.abort("idle", 504);
    } else if (
      this.bodyLength !== CHUNKED &&
      (this.windowBytes >= MIN_WINDOW_BYTES || this.client.mustWait)
    ) {
      this.beginWindow();
    } else this.abort("body-too-slow", 408);
  }

  /** Whether a queue has become shorter since the last deadline. A drain is not reported before it is empty. */
  #hasMoved(): boolean {
    const queuedBytes = this.client.queuedBytes + (this.endpoint?.socket.queuedBytes ?? 0);
    const hasMoved = queuedBytes > 0 && queuedBytes !== this.#queuedBytesSeen;
    this.#queuedBytesSeen = queuedBytes;
    return hasMoved;
  }

  protected awaitAnswer(): void {
    if (this.hasAnswerHead) this.touch();
    else this.#expectWithin(this.rules.spec.http.answerMs);
  }

  protected beginWindow(): void {
    if (this.isRequestWhole) return;
    this.windowBytes = 0;
    const { idleMs } = this.rules.spec.timeouts;
    this.#expectWithin(this.bodyLength === CHUNKED ? idleMs : RATE_WINDOW_MS);
  }

  /** Stops measuring the rate, because the endpoint does not take what the client sends. */
  protected pauseWindow(): void {
    this.windowBytes = -1;
    this.#hasMoved();
    this.touch();
  }
}
