import type { HttpOutcome } from "#model/records/http-outcome.ts";
import { countSilentEnd } from "../../connection/certificate-failure.ts";
import type { DeadlineListener } from "../../connection/connection-state.ts";
import { endConnection, outcomeOfBreak } from "../../connection/finish.ts";
import { relay } from "../../connection/relay.ts";
import { slotsByLabel } from "../../observe/counters.ts";
import {
  HIGH_WATER_MARK_BYTES,
  type WireFailure,
  type WireHandler,
  type WireSocket,
} from "../../wire/wire.ts";
import { ChunkedDecoder } from "../body/chunked-decoder.ts";
import { ClientFacts } from "../edits/client-facts.ts";
import { wantsJson } from "../edits/failure-answer.ts";
import { writeRequestHead } from "../edits/write-request-head.ts";
import { Exchange } from "../exchange.ts";
import type { ExchangeClient } from "../exchange-client.ts";
import { exchangeOutcomeOf, requestTextsOf } from "../exchange-facts.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { HeadRefusal, HeadRule } from "../head/head-refusal.ts";
import { CHUNKED } from "../head/message-framing.ts";
import { RequestParser } from "../head/request-parser.ts";
import type { ResponseParser } from "../head/response-parser.ts";
import { HeadReader } from "../head-reader.ts";
import { HeldInput } from "../held-input.ts";
import { HostJudge } from "../host-judge.ts";
import type { HttpConnection } from "../http-rules.ts";
import { recordUnread } from "../record-unread.ts";
import { AnswerSender } from "./answer-sender.ts";
import type { EndpointSession } from "./endpoint-session.ts";

const REFUSED_SLOTS = slotsByLabel("tlsd_http_refused_total");
/** A closure for each connection would increase the memory of idle ones. */
const buildParser = (): RequestParser => new RequestParser();

/**
 * The client's side of a connection that speaks HTTP/1.1. Requests are served one after the other. What a client sends ahead waits
 * until the answer before it is whole.
 */
export class ClientSession
  extends AnswerSender
  implements ExchangeClient, WireHandler, DeadlineListener
{
  readonly hosts: HostJudge;
  readonly #reader: HeadReader<RequestParser>;
  #exchange: Exchange | undefined;
  /** What the client sends next. */
  #receiving: "head" | "length" | "chunked" = "head";
  #left = 0;
  #decoder: ChunkedDecoder | undefined;
  /** What has arrived and cannot be passed on yet. */
  #unread: Buffer | undefined;
  #isReading = false;
  /** When the first byte of the head arrived, or -1 if none has. */
  #headBeganMs = -1;
  #facts: ClientFacts | undefined;
  /** An idle connection to an endpoint that belongs to this client connection. */
  #bound: EndpointSession | undefined;
  #held: HeldInput | undefined;

  constructor(connection: HttpConnection) {
    super(connection);
    this.hosts = new HostJudge(connection);
    this.#reader = new HeadReader(this.http.requests, buildParser);
  }

  start(): void {
    const { connection } = this;
    connection.client.handler = this;
    connection.isIdle = true;
    connection.setDeadline(connection.rules.spec.http.headMs, this);
    connection.client.resume();
  }

  get isFirstRequest(): boolean {
    return this.requests <= 1;
  }

  get bindsEndpoints(): boolean {
    const { proxyProtocol, spec } = this.connection.rules;
    return proxyProtocol !== "none" || spec.http.pool.reuse === "never";
  }

  get mustWait(): boolean {
    return false;
  }

  takeBound(): EndpointSession | undefined {
    const bound = this.#bound;
    this.#bound = undefined;
    return bound?.isClosed === true ? undefined : bound;
  }

  keepBound(session: EndpointSession): void {
    if (this.closes || this.connection.isOver) session.close();
    else this.#bound = session;
  }

  onOpen(): void {}

  onData(chunk: Buffer, isLent: boolean): void {
    this.http.turnMs = this.http.nowMs();
    this.connection.bytesFromClient += chunk.length;
    if (this.ending !== undefined) return;
    if (this.#unread === undefined) this.#read(chunk, isLent);
    else {
      this.#keep(chunk, 0);
      this.#countInput();
    }
  }

  /** Reads requests until bytes are missing, or cannot be passed on. */
  #read(chunk: Buffer, isLent: boolean): void {
    let bytes = chunk;
    let lent = isLent;
    let at = 0;
    this.#isReading = true;
    while (at < bytes.length && this.ending === undefined && !this.connection.isOver) {
      const exchange = this.#exchange;
      if (exchange === undefined) {
        // A client that takes no answers must not make more of them.
        if (this.queuedBytes > HIGH_WATER_MARK_BYTES) {
          this.#keep(bytes, at);
          break;
        }
        const result = this.#reader.read(bytes, at);
        if (result !== "whole") {
          if (result === "partial") this.#timeHead();
          else this.#refuse(result);
          break;
        }
        const { parser } = this.#reader;
        // A head that arrived in parts is in a buffer of its own.
        if (this.#reader.bytes !== bytes) at = 0;
        bytes = this.#reader.bytes;
        const headBytes = parser.headEnd - at;
        at = parser.headEnd;
        this.#begin(parser, bytes, headBytes);
      } else if (this.#receiving === "head" || !exchange.takesBody) {
        this.#keep(bytes, at);
        break;
      } else at = this.#readBody(exchange, bytes, at, lent);
    }
    this.#isReading = false;
    this.#reader.forget();
    this.#exchange?.flushRequest();
    this.#countInput();
  }

  /** Counts what has arrived and cannot be passed on yet. */
  #countInput(): void {
    if (this.connection.isOver || this.ending !== undefined) return;
    const bytes = this.#reader.heldBytes + (this.#unread?.length ?? 0);
    this.#held = HeldInput.count(this.#held, this.http.relayMemory, this, bytes);
  }

  /** The time for a whole head begins with its first byte. That of the first request begins with the connection. */
  #timeHead(): void {
    if (this.#headBeganMs >= 0) return;
    this.#headBeganMs = this.http.turnMs;
    if (this.requests === 0) return;
    this.connection.setDeadline(this.connection.rules.spec.http.headMs, this);
  }

  #begin(request: RequestParser, bytes: Buffer, headBytes: number): void {
    const { connection } = this;
    const { bodyLength } = request;
    connection.deadlineAtMs = Number.POSITIVE_INFINITY;
    connection.hasOwnLine = false;
    connection.isIdle = false;
    this.requests += 1;
    this.isHttp10 = request.isHttp10;
    this.wantsClose = request.wantsClose;
    this.wantsJson = wantsJson(request.fields);
    const facts = ClientFacts.inForce(connection, this.#facts);
    this.#facts = facts;
    this.givenId = facts.givenIdOf(request.fields);
    const defaultHost = connection.serverName ?? connection.rules.spec.virtualIp;
    const authority = request.authority || defaultHost;
    const { verdict, isLast } = this.hosts.judge(authority);
    if (isLast) this.wantsClose = true;
    const { accessLogQuery } = connection.rules.spec.http;
    const exchange = new Exchange(this, request, {
      number: this.requests,
      beganMs: this.#headBeganMs < 0 ? this.http.turnMs : this.#headBeganMs,
      headBytes,
      authority,
      texts: connection.isLogged
        ? requestTextsOf(request, this.requestId, accessLogQuery)
        : undefined,
    });
    this.#headBeganMs = -1;
    this.#exchange = exchange;
    if (bodyLength === CHUNKED) {
      this.#receiving = "chunked";
      this.#decoder ??= new ChunkedDecoder();
      this.#decoder.reset();
    } else this.#receiving = bodyLength > 0 ? "length" : "head";
    this.#left = bodyLength;
    writeRequestHead(this.http.toEndpoint.of(exchange), request, bytes, {
      facts,
      number: this.requests,
      givenId: this.givenId,
      defaultHost,
      isWebSocket: exchange.webSocketKey !== undefined,
    });
    if (bodyLength === 0) exchange.requestEnds();
    if (verdict === "misdirected") exchange.abort("misdirected", 421);
    else exchange.start();
  }

  /** Returns the offset after the bytes that were passed on. */
  #readBody(exchange: Exchange, bytes: Buffer, from: number, isLent: boolean): number {
    if (this.#receiving === "length") {
      const end = Math.min(bytes.length, from + this.#left);
      this.#left -= end - from;
      exchange.requestBody(bytes, from, end, isLent);
      if (this.#left === 0) this.#endRequest(exchange);
      return end;
    }
    const decoder = this.#decoder;
    if (decoder === undefined) return bytes.length;
    const at = decoder.step(bytes, from, bytes.length);
    const { found } = decoder;
    if (found === "data") exchange.requestBody(bytes, decoder.dataStart, decoder.dataEnd, isLent);
    else if (found === "end") this.#endRequest(exchange, decoder.trailers);
    else if (found !== "more") {
      this.connection.listener.counters.add(REFUSED_SLOTS[found.rule]);
      exchange.rule = found.rule;
      exchange.abort("refused", found.status);
    }
    return at;
  }

  #endRequest(exchange: Exchange, trailers?: HeadFields): void {
    this.#receiving = "head";
    exchange.requestEnds(trailers);
  }

  /** Keeps bytes until they can be passed on. The socket keeps what comes after them, up to its own mark. */
  #keep(bytes: Buffer, from: number): void {
    const rest = Buffer.from(bytes.subarray(from));
    this.#unread = this.#unread === undefined ? rest : Buffer.concat([this.#unread, rest]);
    const { client } = this.connection;
    if (this.#unread.length > HIGH_WATER_MARK_BYTES) client.pause();
    else client.hold();
  }

  pauseRequest(): void {
    this.connection.client.pause();
  }

  resumeRequest(): void {
    if (this.#isReading || this.connection.isOver || this.ending !== undefined) return;
    const unread = this.#unread;
    if (unread !== undefined) {
      this.#unread = undefined;
      this.#read(unread, false);
    }
    if (this.#unread === undefined && !this.connection.isOver) this.connection.client.resume();
  }

  /** Refuses a request whose head breaks a rule. The answers to those before it have been sent. */
  #refuse({ status, rule }: HeadRefusal): void {
    this.#answerUnread(status, "refused", rule);
    this.endWhenSent("bad-request");
  }

  /** Answers a request whose head was not read. */
  #answerUnread(
    status: 408 | HeadRefusal["status"],
    outcome: "refused" | "head-timeout",
    rule?: HeadRule,
  ): void {
    const { connection, http } = this;
    this.requests += 1;
    this.givenId = undefined;
    this.closes = true;
    this.wantsJson = false;
    const before = connection.bytesToClient;
    const bodyBytesToClient = this.sendOwnAnswer(status, this.#reader.parser.method === "HEAD");
    const nowMs = http.turnMs;
    recordUnread(connection, {
      number: this.requests,
      protocol: this.protocol,
      requestId: this.requestId,
      ...{ status, outcome, rule, nowMs, bodyBytesToClient },
      beganMs: this.#headBeganMs < 0 ? nowMs : this.#headBeganMs,
      bytesToClient: connection.bytesToClient - before,
    });
  }

  switchProtocols(
    exchange: Exchange,
    answer: ResponseParser,
    bytes: Buffer,
    endpoint: WireSocket,
  ): void {
    const { connection } = this;
    const before = connection.bytesFromClient;
    connection.onEnded = () => {
      const outcome = exchangeOutcomeOf(connection.ended) ?? "upgraded";
      exchange.upgradeEnds(outcome, connection.bytesFromClient - before);
    };
    const headAt = this.output.length;
    this.writeHead(answer, bytes, false, "upgrade");
    exchange.switchBytes = this.output.length - headAt;
    this.output.body(connection.client, bytes, answer.headEnd, bytes.length, true);
    this.flush();
    const unread = this.#unread;
    this.leave();
    if (unread !== undefined) endpoint.write(unread);
    relay(connection, endpoint, connection.rules.spec.http.upgradedMs);
  }

  exchangeOver(exchange: Exchange, outcome: HttpOutcome): void {
    exchange.report(outcome);
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    const { connection } = this;
    if (connection.isOver || this.ending !== undefined) return;
    if (this.closes || this.hasEnded || !exchange.isRequestWhole) {
      this.endWhenSent("completed");
      return;
    }
    connection.isIdle = true;
    connection.server = undefined;
    connection.setDeadlineAt(this.http.turnMs + connection.rules.spec.http.keepAliveMs, this);
    this.resumeRequest();
  }

  protected leave(): void {
    this.#bound?.close();
    this.#bound = undefined;
    this.#unread = undefined;
    this.#reader.clear();
    this.#held?.release();
    this.http.relayMemory.release(this);
  }

  shed(): void {
    this.leave();
    this.#dropExchange("over-limit");
    endConnection(this.connection, "relay-memory");
  }

  deadlinePassed(): void {
    this.http.turnMs = this.http.nowMs();
    if (this.ending !== undefined) this.endIfSent(this.ending);
    else if (this.#reader.isPartial) {
      this.#answerUnread(408, "head-timeout");
      this.endWhenSent("idle");
    } else this.endWhenSent("idle");
  }

  onDrain(): void {
    this.http.turnMs = this.http.nowMs();
    this.http.relayMemory.release(this);
    if (this.ending !== undefined) this.endIfSent(this.ending);
    else if (this.#exchange === undefined) this.resumeRequest();
    else this.#exchange.clientDrained();
  }

  /** The client sends no more. It still gets the answers to what it has sent. */
  onEnd(): void {
    this.http.turnMs = this.http.nowMs();
    countSilentEnd(this.connection, undefined);
    this.hasEnded = true;
    const exchange = this.#exchange;
    if (this.ending !== undefined) this.endIfSent(this.ending);
    else if (exchange === undefined) this.endWhenSent("completed");
    else if (exchange.isRequestWhole) {
      // Before the answer, the deadline is that of the connect or of the answer.
      if (exchange.hasAnswerHead) exchange.touch();
    } else {
      this.#dropExchange("client-aborted");
      endConnection(this.connection, "client-reset");
    }
  }

  onClose(failure: WireFailure | undefined): void {
    const { connection } = this;
    this.http.turnMs = this.http.nowMs();
    countSilentEnd(connection, failure);
    this.leave();
    this.#dropExchange(exchangeOutcomeOf(connection.ended) ?? "client-aborted");
    const inOrder = this.ending ?? "completed";
    endConnection(connection, failure === undefined ? inOrder : outcomeOfBreak(true, failure));
  }

  /** Ends the exchange because the client has gone. No other one begins. */
  #dropExchange(outcome: HttpOutcome): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.clientGone(outcome);
  }
}
