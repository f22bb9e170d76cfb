import type { HttpOutcome } from "#model/records/http-outcome.ts";
import { writeRequestHead } from "../edits/write-request-head.ts";
import { wantsJson } from "../edits/failure-answer.ts";
import type { ClientFacts } from "../edits/client-facts.ts";
import type { EndpointUse } from "../../connection/connection-state.ts";
import type { EndpointLease } from "../../endpoint/endpoint-lease.ts";
import type { Deadlined } from "../../live/deadlines.ts";
import { requestIdOf } from "../edits/request-id.ts";
import { Exchange } from "../exchange.ts";
import type { ExchangeClient } from "../exchange-client.ts";
import { requestTextsOf } from "../exchange-facts.ts";
import type { EndpointSession } from "../h1/endpoint-session.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { ResponseParser } from "../head/response-parser.ts";
import type { HostJudge } from "../host-judge.ts";
import type { HttpConnection } from "../http-rules.ts";
import type { WireSocket } from "../../wire/wire.ts";
import { tryTrailerBlock, writeAnswerBlock, writeOwnBlock } from "./answer-block.ts";
import { ERROR, type ErrorCode } from "./frames.ts";
import type { RequestBlock } from "./request-block.ts";
import { priorityOf } from "./priority.ts";
import type { SessionReceiver } from "./session-receiver.ts";
import { StreamReceiver } from "./stream-receiver.ts";
import { Tunnel } from "./tunnel.ts";

/** Outcomes after which the client takes nothing, so that the stream is reset at once. */
const TAKES_NOTHING: ReadonlySet<HttpOutcome> = new Set<HttpOutcome>(["idle", "over-limit"]);

/** One stream: the client's side of one exchange (RFC 9113 section 5.1). */
export class Stream extends StreamReceiver implements ExchangeClient, EndpointUse, Deadlined {
  readonly protocol = "HTTP/2.0";
  protected readonly windows: SessionReceiver;
  /** Number of the request on its connection. The first is 1. */
  readonly number: number;
  /** Undefined before it begins and after it is over. */
  exchange: Exchange | undefined;
  /** Whether the session has forgotten the stream. */
  isClosed = false;
  /** The deadline for the client to take the rest of the answer when the exchange is over. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  #queuedBytesSeen = 0;
  /** The exchange, while its endpoint has sent the whole answer and the client has not been sent all of it. */
  #unreported: Exchange | undefined;
  #tunnel: Tunnel | undefined;
  #givenId: string | undefined;
  #wantsJson = false;
  #isTunnelWanted = false;
  #isResuming = false;
  /** Bytes of the head of the request, until its answer begins. */
  #headBytes = 0;

  constructor(id: number, session: SessionReceiver, number: number) {
    super(id, session);
    this.windows = session;
    this.number = number;
  }

  get connection(): HttpConnection {
    return this.sender.connection;
  }
  get hasEnded(): boolean {
    return this.windows.hasEnded;
  }
  get isFirstRequest(): boolean {
    return this.number === 1;
  }
  get bindsEndpoints(): boolean {
    return this.windows.bindsEndpoints;
  }
  get hosts(): HostJudge {
    return this.windows.hosts;
  }
  get server(): string | undefined {
    return this.exchange?.server;
  }
  get lease(): EndpointLease | undefined {
    return this.exchange?.lease;
  }
  get connectedAtMs(): number {
    const { startedMs, connectMs } = this.exchange ?? { startedMs: 0, connectMs: 0 };
    return startedMs + connectMs;
  }
  takeBound(): EndpointSession | undefined {
    return this.windows.bound.take();
  }
  keepBound(session: EndpointSession): void {
    this.windows.keepBound(session);
  }

  /** Starts the exchange. The block must be a valid request. */
  begin(request: RequestBlock, facts: ClientFacts, beganMs: number, headBytes: number): void {
    const { connection, http } = this.sender;
    const { urgency, isIncremental } = priorityOf(request.fields);
    this.urgency = urgency;
    this.isIncremental = isIncremental;
    this.#wantsJson = wantsJson(request.fields);
    this.#isTunnelWanted = request.upgrade === "websocket";
    this.announcedBytes = this.#isTunnelWanted ? -1 : request.bodyLength;
    const givenId = facts.givenIdOf(request.fields);
    this.#givenId = givenId;
    const { authority } = request;
    const { verdict, isLast } = this.hosts.judge(authority);
    if (isLast) this.windows.drain();
    const { accessLogQuery } = connection.rules.spec.http;
    const exchange = new Exchange(this, request, {
      number: this.number,
      beganMs,
      headBytes,
      authority,
      texts: connection.isLogged
        ? requestTextsOf(request, this.requestId, accessLogQuery)
        : undefined,
    });
    this.exchange = exchange;
    const { fields } = request;
    this.#countHead(Math.max(request.targetEnd, fields.lineEnd[fields.count - 1] ?? 0));
    writeRequestHead(http.toEndpoint.of(exchange), request, request.fields.bytes, {
      facts,
      number: this.number,
      givenId,
      defaultHost: authority,
      isWebSocket: exchange.webSocketKey !== undefined,
    });
    if (request.bodyLength === 0) exchange.requestEnds();
    if (verdict === "misdirected") exchange.abort("misdirected", 421);
    else exchange.start();
  }

  #countHead(bytes: number): void {
    this.sender.addHead(bytes - this.#headBytes);
    this.#headBytes = bytes;
  }

  get requestId(): string {
    return this.#givenId ?? requestIdOf(this.connection, this.number);
  }

  protected get isAnswered(): boolean {
    return this.exchange === undefined;
  }

  protected get takesBody(): boolean {
    if (this.#isTunnelWanted) return this.#tunnel?.takesBytes === true;
    return this.exchange?.takesBody === true;
  }

  protected passOn(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    const { exchange } = this;
    if (this.#tunnel !== undefined) this.#tunnel.send(bytes, from, to, isLent);
    else if (exchange !== undefined) {
      if (!this.#isResuming) this.windows.willSend(this);
      exchange.requestBody(bytes, from, to, isLent);
    }
  }

  protected passEndOn(trailers: HeadFields | undefined): void {
    const { exchange } = this;
    if (this.#tunnel !== undefined) this.#tunnel.endSending();
    else if (exchange === undefined) this.windows.tryClose(this);
    else if (!exchange.isRequestWhole) {
      if (!this.#isResuming) this.windows.willSend(this);
      exchange.requestEnds(trailers);
    }
  }

  pauseRequest(): void {
    // What arrives is kept, and the client gets no more credit.
  }

  resumeRequest(): void {
    // The exchange has the output to endpoints already, and flushes it.
    this.#isResuming = true;
    this.passKeptOn();
    this.#isResuming = false;
  }

  drained(): void {
    if (this.#tunnel !== undefined) this.#tunnel.resume();
    else this.exchange?.clientDrained();
  }

  flush(): void {
    this.sender.flushSoon();
  }

  sendContinue(): void {
    const { http, encoder } = this.sender;
    const { block } = http.h2;
    block.length = 0;
    encoder.begin(block);
    encoder.status(block, 100);
    this.#writeBlock();
    this.flush();
  }

  sendInterim(answer: ResponseParser, bytes: Buffer): void {
    this.#writeAnswer(answer, bytes);
  }

  sendHead(exchange: Exchange, answer: ResponseParser, bytes: Buffer): void {
    if (this.#isTunnelWanted && answer.status < 300) {
      // For the client, it would mean that the WebSocket is open (RFC 8441 section 5).
      exchange.hasAnswerHead = false;
      exchange.badAnswer("no-upgrade");
    } else this.#writeAnswer(answer, bytes);
  }

  #writeAnswer(answer: ResponseParser, bytes: Buffer): void {
    const { http, encoder, connection } = this.sender;
    const { block } = http.h2;
    this.#countHead(0);
    block.length = 0;
    writeAnswerBlock(block, encoder, answer, bytes, connection.rules);
    this.#writeBlock();
  }

  #writeBlock(): void {
    if (this.hasSentEnd) return;
    const { bytes, length } = this.sender.http.h2.block;
    this.sender.output.block(this.id, 0, bytes, length);
    this.bytesToClient += length;
  }

  endBody(trailers: HeadFields | undefined): void {
    const { http, encoder } = this.sender;
    const hasTrailers = trailers !== undefined && trailers.count > 0;
    this.endSending(hasTrailers ? tryTrailerBlock(http.h2.block, encoder, trailers) : undefined);
    this.flush();
  }

  sendFailure(exchange: Exchange, status: number): number {
    return this.sendOwnAnswer(status, exchange.isHead);
  }

  /** Answers in the place of an endpoint. Returns how many bytes of a body are sent. */
  sendOwnAnswer(status: number, isHead: boolean): number {
    if (this.hasSentEnd) return 0;
    const { http, encoder, connection } = this.sender;
    const { block } = http.h2;
    block.length = 0;
    const { requestId } = this;
    const answer = { status, requestId, wantsJson: this.#wantsJson, isHead };
    const body = writeOwnBlock(block, encoder, answer, connection.rules);
    this.#writeBlock();
    this.sendBody(body, 0, body.length);
    this.endSending();
    this.flush();
    return body.length;
  }

  breakOff(outcome: HttpOutcome): void {
    if (TAKES_NOTHING.has(outcome)) this.reset(ERROR.internal);
    else this.resetAfterQueue(ERROR.internal);
  }

  /** Sends RST_STREAM and forgets what is queued. */
  reset(code: ErrorCode): void {
    if (!this.hasSentEnd) this.writeReset(code);
    this.dropQueue();
    this.sentEnd();
  }

  protected sentEnd(): void {
    this.windows.tryClose(this);
  }

  switchProtocols(
    exchange: Exchange,
    answer: ResponseParser,
    bytes: Buffer,
    endpoint: WireSocket,
  ): void {
    exchange.status = 200;
    const before = this.bytesToClient;
    this.#writeAnswer(answer, bytes);
    exchange.switchBytes = this.bytesToClient - before;
    this.sendBody(bytes, answer.headEnd, bytes.length);
    this.#tunnel = new Tunnel(this, exchange, endpoint);
    this.passKeptOn();
    this.flush();
  }

  exchangeOver(exchange: Exchange, outcome: HttpOutcome): void {
    if (outcome === "completed" && !this.hasSentEnd) this.#unreported = exchange;
    else exchange.report(outcome);
    this.exchange = undefined;
    this.#countHead(0);
    this.dropKept();
    this.windows.exchangeOver(this);
  }

  /** Waits until the client has taken the rest of the answer. */
  linger(): void {
    this.connection.plane.deadlines.add(this);
    this.#awaitClient();
  }

  #awaitClient(): void {
    const { plane, rules } = this.connection;
    this.#queuedBytesSeen = this.bodyBytesQueued;
    this.deadlineAtMs = plane.deadlines.in(rules.spec.timeouts.idleMs);
  }

  onDeadline(): void {
    if (this.bodyBytesQueued !== this.#queuedBytesSeen) {
      this.#awaitClient();
      return;
    }
    const { http } = this.sender;
    http.turnMs = http.nowMs();
    this.#report("idle");
    this.reset(ERROR.cancel);
  }

  #report(outcome: HttpOutcome): void {
    const exchange = this.#unreported;
    this.#unreported = undefined;
    exchange?.report(outcome);
  }

  /** The stream is closed, because it is done, or because the client has gone or has reset it. */
  clientGone(outcome: HttpOutcome): void {
    this.connection.plane.deadlines.remove(this);
    this.#report(this.hasSentEnd && !this.isReset ? "completed" : outcome);
    this.dropQueue();
    this.dropKept();
    if (this.#tunnel === undefined) this.exchange?.clientGone(outcome);
    else this.#tunnel.abort(outcome === "client-aborted" ? "upgraded" : outcome);
  }

  endDrained(): void {
    const { http } = this.sender;
    http.turnMs = http.nowMs();
    if (this.#tunnel === undefined) this.exchange?.abort("server-drained", 503);
    else {
      this.reset(ERROR.cancel);
      this.#tunnel.abort("server-drained");
    }
  }

  /** The tunnel passes on the end of the endpoint's half. */
  endTunnel(): void {
    this.endSending();
    this.flush();
  }
}
