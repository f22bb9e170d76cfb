import type { HttpOutcome, HttpRule } from "#model/records/http-outcome.ts";
import { acquireEndpoint } from "../connection/acquire-endpoint.ts";
import { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Candidate } from "../endpoint/endpoint-set.ts";
import { histogramSlots, slotOf, slotsByLabel } from "../observe/counters.ts";
import type { WireFailure } from "../wire/wire.ts";
import { writeLastChunk } from "./edits/write-trailers.ts";
import { exchangeFactsOf } from "./exchange-facts.ts";
import { writeExchangeLine } from "./exchange-line.ts";
import { ExchangeState } from "./exchange-state.ts";
import { EndpointSession } from "./h1/endpoint-session.ts";
import type { HeadFields } from "./head/head-fields.ts";
import { CHUNKED } from "./head/message-framing.ts";
import type { ResponseParser } from "./head/response-parser.ts";
import type { HttpRules } from "./http-rules.ts";
import { HIGH_WATER_MARK_BYTES } from "../wire/wire.ts";
import { acceptsWebSocket } from "./upgrade/web-socket.ts";

const ENDED_SLOTS = slotsByLabel("tlsd_http_exchanges_ended_total");
const CLASS_SLOTS = slotsByLabel("tlsd_http_requests_total");
const BAD_ANSWER_SLOTS = slotsByLabel("tlsd_http_bad_answers_total");
const CONNECT_FAILED_SLOTS = slotsByLabel("tlsd_endpoint_connects_failed_total");
const REUSED = slotOf("tlsd_http_pool_reused_total");
const RETRIES = slotOf("tlsd_http_retries_total");
const REQUEST_SECONDS = histogramSlots("tlsd_http_request_seconds");
const ANSWER_SECONDS = histogramSlots("tlsd_http_answer_seconds");

const MAX_INTERIM_ANSWERS = 16;
const ALWAYS_LOGGED: ReadonlySet<HttpOutcome> = new Set<HttpOutcome>([
  "endpoint-failed",
  "bad-answer",
]);
/** How long an endpoint may be silent before the director tells the client to send the body that it has announced. */
const CONTINUE_MS = 1_000;
/** One request and its answer. It does not know which version of HTTP the client speaks. */
export class Exchange extends ExchangeState {
  /** The head of the request, until a new connection is there for it. */
  #head: Buffer | undefined;
  #wholeAtMs = -1;
  #interimAnswers = 0;

  /** Sends the request, whose head is in the output to endpoints. */
  start(): void {
    const { plane, rules } = this;
    plane.deadlines.add(this);
    const order = this.endpointSet().inOrder(this.clientAddress, plane.http.turnMs);
    const [first] = order;
    const session = first && this.#tryIdle(rules, first);
    if (session === undefined) {
      this.#connect(order);
      return;
    }
    if (session.isUsed) {
      this.isReused = true;
      this.listener.counters.add(REUSED);
    }
    if (this.isRepeatable) session.keep(plane.http.toEndpoint.of(this));
    this.lease = EndpointLease.reuse(session.candidate, session.socket);
    this.server = session.candidate.endpoint.server;
    this.#use(session);
  }

  /** Returns an open connection to an endpoint that the request may use. */
  #tryIdle(rules: HttpRules, first: Candidate): EndpointSession | undefined {
    const { client, plane } = this;
    const { pools, turnMs } = plane.http;
    const bound = client.takeBound();
    if (bound !== undefined) {
      const { candidate } = bound;
      const isUsable =
        this.endpointSet().has(candidate) &&
        pools.of(rules.poolScope, candidate.key) === bound.pool;
      if (isUsable) return bound;
      bound.close();
    }
    if (client.bindsEndpoints) return undefined;
    const mayReuse =
      rules.spec.http.pool.reuse === "always" || this.isRepeatable || !client.isFirstRequest;
    return mayReuse
      ? pools.of(rules.poolScope, first.key).take(turnMs, this.isRepeatable)
      : undefined;
  }

  #connect(order: readonly Candidate[]): void {
    const { http } = this.plane;
    this.#head ??= http.toEndpoint.of(this).copyOfAll();
    http.toEndpoint.length = 0;
    this.endpoint = undefined;
    const { connections, maxConnections } = this.plane;
    const inUse = http.openEndpoints + connections.waitingSize;
    if (inUse >= maxConnections && !http.pools.tryCloseOldest()) {
      // The open files are for one endpoint a connection, but a client of HTTP/2 can have 100 exchanges at the same time.
      this.giveUp();
      return;
    }
    this.#acquire(order).catch((cause: unknown) => {
      this.abort("internal", 500);
      http.reportError(cause);
    });
  }

  async #acquire(order: readonly Candidate[]): Promise<void> {
    const lease = await acquireEndpoint(this, order);
    if (this.isOver) return;
    const { plane, rules } = this;
    plane.http.turnMs = plane.clock.nowMs();
    if (lease === undefined) {
      this.abort("endpoint-failed", 503);
      return;
    }
    // The rules may have changed since the request was judged.
    if (this.client.hosts.judge(this.authority).verdict === "misdirected") {
      this.abort("misdirected", 421);
      return;
    }
    const { candidate } = lease;
    const pool = plane.http.pools.of(rules.poolScope, candidate.key);
    const session = new EndpointSession(plane.http, lease, pool);
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined) plane.http.toEndpoint.of(this).all(head);
    this.#use(session);
    this.client.resumeRequest();
    this.flushRequest();
  }

  #use(session: EndpointSession): void {
    const { connection, plane } = this;
    this.endpoint = session;
    this.connectMs = plane.http.turnMs - this.startedMs;
    connection.server = this.server;
    connection.lease = this.lease;
    connection.connectMs = plane.http.turnMs - connection.acceptedMs;
    session.serve(this);
    if (this.isRequestWhole) this.awaitAnswer();
    else if (this.expectsContinue) this.setDeadline(CONTINUE_MS, this);
    else this.beginWindow();
  }

  /** Whether the endpoint is connected and has not fallen behind, so that bytes of the body may be passed on. */
  get takesBody(): boolean {
    return this.endpoint !== undefined && this.endpoint.socket.queuedBytes < HIGH_WATER_MARK_BYTES;
  }

  /** Passes a run of body bytes on. */
  requestBody(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    const { endpoint } = this;
    this.bytesFromClient += to - from;
    if (this.windowBytes >= 0) this.windowBytes += to - from;
    if (endpoint === undefined) return;
    const toEndpoint = this.plane.http.toEndpoint.of(this);
    if (this.bodyLength !== CHUNKED) toEndpoint.body(endpoint.socket, bytes, from, to, isLent);
    else {
      toEndpoint.chunk(endpoint.socket, bytes, from, to, isLent);
      this.touch();
    }
  }

  requestEnds(trailers?: HeadFields): void {
    this.isRequestWhole = true;
    this.#wholeAtMs = this.plane.http.turnMs;
    if (this.bodyLength === CHUNKED) writeLastChunk(this.plane.http.toEndpoint.of(this), trailers);
    if (this.endpoint !== undefined) this.awaitAnswer();
  }

  /** Writes what was collected for the endpoint. Pauses the client if the endpoint does not keep up. */
  flushRequest(): void {
    const { endpoint, plane } = this;
    if (endpoint === undefined) return;
    plane.http.toEndpoint.of(this).flush(endpoint.socket);
    if (this.isOver || this.isRequestWhole) return;
    const { queuedBytes } = endpoint.socket;
    if (queuedBytes < HIGH_WATER_MARK_BYTES) return;
    if (this.windowBytes >= 0) this.pauseWindow();
    plane.relayMemory.hold(endpoint, queuedBytes);
    if (!this.isOver) this.client.pauseRequest();
  }

  endpointDrained(): void {
    if (this.isOver || this.isRequestWhole) return;
    this.beginWindow();
    this.client.resumeRequest();
    this.flushRequest();
  }

  /** The first byte of an answer has arrived, so the request is not sent again. */
  answerBegins(): void {
    if (this.hasAnswerBegun) return;
    this.hasAnswerBegun = true;
    const { turnMs } = this.plane.http;
    this.firstByteMs = turnMs - this.startedMs;
    if (this.#wholeAtMs >= 0) {
      this.listener.counters.observeMs(ANSWER_SECONDS, turnMs - this.#wholeAtMs);
    }
  }

  /** Handles an answer with status 1xx (RFC 9110 section 15.2). It shows that the endpoint works on the request, so its time begins again. */
  interim(answer: ResponseParser, bytes: Buffer): void {
    if (answer.status === 101) {
      this.#switchProtocols(answer, bytes);
      return;
    }
    this.#interimAnswers += 1;
    if (this.#interimAnswers > MAX_INTERIM_ANSWERS) {
      this.badAnswer("too-many-interim-answers");
      return;
    }
    if (answer.status === 100) {
      // The client may not have asked for it, or has got one from the director.
      if (!this.expectsContinue || this.hasContinued) return;
      this.hasContinued = true;
      this.beginWindow();
    } else if (this.isRequestWhole) this.awaitAnswer();
    this.client.sendInterim(answer, bytes);
    this.client.flush();
  }

  #switchProtocols(answer: ResponseParser, bytes: Buffer): void {
    const { endpoint, webSocketKey: key } = this;
    if (endpoint === undefined || key === undefined || !acceptsWebSocket(answer, key)) {
      this.badAnswer("unasked-upgrade");
      return;
    }
    this.status = 101;
    endpoint.leave();
    this.plane.deadlines.remove(this);
    this.client.switchProtocols(this, answer, bytes, endpoint.socket);
  }

  /** The relay after a switch of protocols has ended. */
  upgradeEnds(outcome: HttpOutcome, bytesFromClient: number): void {
    this.plane.http.turnMs = this.plane.clock.nowMs();
    this.bytesFromClient = bytesFromClient;
    const { bytesToClient, unsentBytes } = this.client;
    this.bytesToClient = bytesToClient + unsentBytes - this.bytesToClientBefore - this.switchBytes;
    this.#finish(outcome);
  }

  answerHead(answer: ResponseParser, bytes: Buffer): void {
    this.hasAnswerHead = true;
    this.status = answer.status;
    if (this.rules.spec.http.countServerErrors) {
      this.lease?.candidate.health.answered(this.plane.http.turnMs, answer.status >= 500);
    }
    if (this.isRequestWhole || this.bodyLength === CHUNKED) this.touch();
    this.client.sendHead(this, answer, bytes);
  }

  answerBody(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    this.bytesToClient += to - from;
    if (this.isRequestWhole || this.bodyLength === CHUNKED) this.touch();
    this.client.sendBody(bytes, from, to, isLent);
  }

  /** The answer is whole. `endpoint` can serve another exchange unless it must close. */
  answerEnds(trailers?: HeadFields): void {
    const { endpoint, client } = this;
    if (endpoint === undefined) return;
    client.endBody(trailers);
    // The memory for slow peers may have been exceeded.
    if (this.isOver) return;
    this.endpoint = undefined;
    if (this.isRequestWhole) this.#release(endpoint);
    else endpoint.reset();
    this.#finish("completed");
  }

  /** Keeps the connection to the endpoint for another exchange, if it can serve one. */
  #release(endpoint: EndpointSession): void {
    const { plane, client, rules } = this;
    const { http } = plane;
    endpoint.finish();
    const { idleMs, maxIdle } = rules.spec.http.pool;
    const isBound = endpoint.isBound || this.isBoundToConnection || client.bindsEndpoints;
    if (endpoint.mustClose) endpoint.close();
    else if (isBound) {
      endpoint.isBound = true;
      client.keepBound(endpoint);
    } else if (
      endpoint.pool.put(endpoint, http.turnMs, Math.min(idleMs, endpoint.keepAliveMs), maxIdle)
    ) {
      http.pools.watch();
    } else endpoint.close();
  }

  /** Writes what was collected for the client. Pauses the endpoint if the client does not keep up. */
  flushAnswer(): void {
    this.client.flush();
    if (this.client.isBehind) this.endpoint?.socket.pause();
  }

  clientDrained(): void {
    if (this.hasAnswerHead && this.isRequestWhole) this.touch();
    this.endpoint?.socket.resume();
  }

  /** Handles an answer that breaks a rule. */
  badAnswer(rule: HttpRule, field?: string): void {
    this.listener.counters.add(BAD_ANSWER_SLOTS[rule]);
    this.rule = rule;
    this.field = field;
    this.abort("bad-answer", 502);
  }

  /** Handles an endpoint that closed or broke off before its answer was whole. */
  endpointGone(_failure: WireFailure | undefined): void {
    const { endpoint, plane } = this;
    const mayRetry =
      !this.connection.isOver && this.isRepeatable && !this.hasAnswerBegun && !this.hasRetried;
    if (!mayRetry || endpoint?.isUsed !== true) {
      this.abort("endpoint-broke-off", 502);
      return;
    }
    this.hasRetried = true;
    this.listener.counters.add(RETRIES);
    this.#head = endpoint.keptHead();
    endpoint.close();
    this.lease?.release();
    this.lease = undefined;
    this.#connect(this.endpointSet().inOrder(this.clientAddress, plane.http.turnMs));
  }

  /** Ends the exchange. The client gets an answer with this status if none has begun. */
  abort(outcome: HttpOutcome, status: number): void {
    if (this.isOver) return;
    this.#dropEndpoint();
    if (this.hasAnswerHead) this.client.breakOff(outcome);
    else {
      this.status = status;
      this.bytesToClient = this.client.sendFailure(this, status);
    }
    this.#finish(outcome);
  }

  /** Ends the exchange because the client or its connection has gone. */
  clientGone(outcome: HttpOutcome): void {
    if (this.isOver) return;
    this.#dropEndpoint();
    this.#finish(outcome);
  }

  #dropEndpoint(): void {
    const { endpoint, lease } = this;
    this.endpoint = undefined;
    if (endpoint !== undefined) endpoint.reset();
    else if (lease !== undefined) lease.socket.destroy();
  }

  #finish(outcome: HttpOutcome): void {
    if (this.isOver) return;
    this.isOver = true;
    const { plane, connection, lease } = this;
    plane.deadlines.remove(this);
    if (this.#head !== undefined) plane.connections.deleteWaiting(this);
    this.#head = undefined;
    if (lease?.isOpen === true) this.endpointUsed = lease.candidate.endpoint;
    lease?.release();
    connection.lease = undefined;
    this.client.exchangeOver(this, outcome);
  }

  /** Writes the access line and counts the exchange. Must be called once, when it is known how the exchange ended for the client. */
  report(outcome: HttpOutcome): void {
    const { plane, connection, status } = this;
    // The reason for an answer of the director's own is in no other line.
    const isLogged = connection.isLogged && this.texts !== undefined;
    if (isLogged || ALWAYS_LOGGED.has(outcome)) {
      writeExchangeLine(connection, exchangeFactsOf(this, outcome));
    }
    const { counters } = this.listener;
    counters.add(ENDED_SLOTS[outcome]);
    if (status > 0) counters.add(CLASS_SLOTS[classOf(status)]);
    counters.observeMs(REQUEST_SECONDS, plane.http.turnMs - this.startedMs);
  }

  giveUp(): void {
    this.plane.http.turnMs = this.plane.clock.nowMs();
    this.endpointFailure = "busy";
    this.listener.counters.add(CONNECT_FAILED_SLOTS.busy);
    this.abort("endpoint-failed", 503);
  }
}

const CLASSES = ["1xx", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const classOf = (status: number): (typeof CLASSES)[number] =>
  CLASSES[Math.floor(status / 100)] ?? "5xx";
