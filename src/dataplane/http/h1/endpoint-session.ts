import type { Candidate } from "../../endpoint/endpoint-set.ts";
import type { HttpRule } from "#model/records/http-outcome.ts";
import type { EndpointLease } from "../../endpoint/endpoint-lease.ts";
import type { Congested } from "../../live/relay-memory.ts";
import type { WireFailure, WireHandler, WireSocket } from "../../wire/wire.ts";
import { ChunkedDecoder } from "../body/chunked-decoder.ts";
import type { Exchange } from "../exchange.ts";
import { CHUNKED, UNTIL_CLOSE } from "../head/message-framing.ts";
import type { HeadFields } from "../head/head-fields.ts";
import { ResponseParser } from "../head/response-parser.ts";
import { HeadReader } from "../head-reader.ts";
import { HeldInput } from "../held-input.ts";
import type { HttpPlane } from "../http-plane.ts";
import type { Output } from "../output.ts";
import type { EndpointPool, IdleConnection } from "../pool/endpoint-pool.ts";

/** Most heads are shorter than this. */
const MIN_KEPT_BYTES = 512;
/** A larger buffer for heads is not kept on an idle connection. */
const MAX_KEPT_BYTES = 2_048;

const buildParser = (): ResponseParser => new ResponseParser();

/** What the endpoint sends next. */
type Part = "head" | "length" | "chunked" | "until-close" | "nothing";

/**
 * One connection to an endpoint over which HTTP/1.1 is spoken. It serves one exchange after the other, and is idle in a pool between
 * them. It reads the answers and passes them to the exchange.
 */
export class EndpointSession implements WireHandler, IdleConnection, Congested {
  readonly plane: HttpPlane;
  readonly socket: WireSocket;
  readonly candidate: Candidate;
  readonly pool: EndpointPool<EndpointSession>;
  /** Undefined while the connection is idle, and after it has closed. */
  exchange: Exchange | undefined;
  idleSinceMs = 0;
  idleUntilMs = 0;
  idleBeforeMs = -1;
  /** Whether the connection has served an exchange before this one. */
  isUsed = false;
  /** Whether it belongs to one client connection, because of a challenge that authenticates the connection (RFC 4559 section 6). */
  isBound = false;
  /** Whether no further exchange may use the connection. */
  mustClose = false;
  /** The time for which the endpoint says that it keeps idle connections, in milliseconds. */
  keepAliveMs = Number.POSITIVE_INFINITY;
  readonly #reader: HeadReader<ResponseParser>;
  #part: Part = "nothing";
  #left = 0;
  #decoder: ChunkedDecoder | undefined;
  /** The head of the request, if it may be needed again. The buffer is used for one request after the other. */
  #kept: Buffer | undefined;
  #keptLength = 0;
  #held: HeldInput | undefined;
  #isClosed = false;

  constructor(
    plane: HttpPlane,
    { socket, candidate }: EndpointLease,
    pool: EndpointPool<EndpointSession>,
  ) {
    this.plane = plane;
    this.socket = socket;
    this.candidate = candidate;
    this.pool = pool;
    this.#reader = new HeadReader(plane.answers, buildParser);
    plane.openEndpoints += 1;
    this.socket.handler = this;
    this.socket.resume();
  }

  /** Starts an exchange, whose request is written to the socket next. */
  serve(exchange: Exchange): void {
    this.idleBeforeMs = this.isUsed ? this.plane.turnMs - this.idleSinceMs : -1;
    this.exchange = exchange;
    this.#part = "head";
  }

  /** Keeps the head that was collected, for a retry over another connection. */
  keep(collected: Output): void {
    const { length } = collected;
    if (this.#kept === undefined || this.#kept.length < length) {
      this.#kept = Buffer.allocUnsafeSlow(Math.max(length, MIN_KEPT_BYTES));
    }
    collected.bytes.copy(this.#kept, 0, 0, length);
    this.#keptLength = length;
  }

  /** Returns a copy of the head that was kept. */
  keptHead(): Buffer | undefined {
    return this.#kept && Buffer.from(this.#kept.subarray(0, this.#keptLength));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends the use by the exchange. The connection stays open. */
  finish(): void {
    this.exchange = undefined;
    this.idleSinceMs = this.plane.turnMs;
    this.isUsed = true;
    this.#part = "nothing";
    this.#held?.release();
    if (this.#kept !== undefined && this.#kept.length > MAX_KEPT_BYTES) this.#kept = undefined;
    this.plane.relayMemory.release(this);
  }

  /** Closes an idle connection in order. */
  close(): void {
    this.#forget();
    this.socket.destroy();
  }

  /** Closes the connection so that the endpoint does not take what was sent so far for a whole request. */
  reset(): void {
    this.#forget();
    this.socket.reset();
  }

  #forget(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.exchange = undefined;
    this.plane.openEndpoints -= 1;
    this.#held?.release();
    this.plane.relayMemory.release(this);
  }

  /** Gives the socket away to a relay of bytes. */
  leave(): void {
    this.#forget();
  }

  /** Ends the exchange, because the connections of the worker hold too much memory and this one has been stuck longest. */
  shed(): void {
    this.exchange?.abort("over-limit", 503);
  }

  onOpen(): void {}

  onData(chunk: Buffer, isLent: boolean): void {
    const { exchange } = this;
    if (this.#isClosed) return;
    this.plane.turnMs = this.plane.nowMs();
    // Nothing is expected. The bytes can be a 408 answer before the endpoint closes an idle connection.
    if (exchange === undefined) {
      this.#dropIdle();
      return;
    }
    let bytes = chunk;
    let lent = isLent;
    let at = 0;
    while (at < bytes.length && this.exchange === exchange) {
      switch (this.#part) {
        case "head": {
          const end = this.#readHead(exchange, bytes, at);
          if (end < 0) {
            if (this.exchange === exchange) this.#countHead();
            return;
          }
          // A head that arrived in parts is in a buffer of its own.
          if (this.#reader.bytes !== bytes) lent = true;
          bytes = this.#reader.bytes;
          at = end;
          break;
        }
        case "length": {
          const end = Math.min(bytes.length, at + this.#left);
          this.#left -= end - at;
          exchange.answerBody(bytes, at, end, lent);
          at = end;
          if (this.#left === 0) this.#end(exchange, bytes.length - at);
          break;
        }
        case "chunked":
          at = this.#readChunks(exchange, bytes, at, lent);
          break;
        case "until-close":
          exchange.answerBody(bytes, at, bytes.length, lent);
          at = bytes.length;
          break;
        case "nothing":
          at = bytes.length;
          break;
        default:
          this.#part satisfies never;
      }
    }
    this.#reader.forget();
    if (this.exchange === exchange) exchange.flushAnswer();
    if (this.#held !== undefined && this.exchange === exchange) this.#countHead();
  }

  /** Counts the part of a head that has arrived. */
  #countHead(): void {
    const { relayMemory } = this.plane;
    this.#held = HeldInput.count(this.#held, relayMemory, this, this.#reader.heldBytes);
  }

  /** Returns the offset after the head, or -1 if it is not whole or the exchange has ended. */
  #readHead(exchange: Exchange, bytes: Buffer, from: number): number {
    const reader = this.#reader;
    exchange.answerBegins();
    const result = reader.read(bytes, from, exchange.isHead);
    if (result === "partial") return -1;
    if (result !== "whole") {
      exchange.badAnswer(result.rule, tryFieldOf(result.rule, reader.parser.fields));
      return -1;
    }
    const { parser } = reader;
    const end = parser.headEnd;
    if (parser.status < 200) {
      exchange.interim(parser, reader.bytes);
      return this.exchange === exchange ? end : -1;
    }
    if (!parser.keepsAlive) this.mustClose = true;
    if (parser.isBoundToConnection) this.isBound = true;
    if (parser.keepAliveTimeoutMs !== undefined) this.keepAliveMs = parser.keepAliveTimeoutMs;
    const { bodyLength, status } = parser;
    if ((status === 204 || status === 304) && reader.bytes.length > end) {
      exchange.badAnswer("unasked-bytes");
      return -1;
    }
    exchange.answerHead(parser, reader.bytes);
    if (this.exchange !== exchange) return -1;
    this.#left = bodyLength;
    if (bodyLength === UNTIL_CLOSE) {
      this.#part = "until-close";
      this.mustClose = true;
    } else if (bodyLength === CHUNKED) {
      this.#part = "chunked";
      this.#decoder ??= new ChunkedDecoder();
      this.#decoder.reset();
    } else if (bodyLength > 0) this.#part = "length";
    else this.#end(exchange, reader.bytes.length - end);
    return end;
  }

  #readChunks(exchange: Exchange, bytes: Buffer, from: number, isLent: boolean): number {
    const decoder = this.#decoder;
    if (decoder === undefined) return bytes.length;
    let at = from;
    while (at < bytes.length) {
      at = decoder.step(bytes, at, bytes.length);
      const { found } = decoder;
      if (found === "data") exchange.answerBody(bytes, decoder.dataStart, decoder.dataEnd, isLent);
      else if (found === "end") {
        this.#end(exchange, bytes.length - at, decoder.trailers);
        return at;
      } else if (found !== "more") {
        exchange.badAnswer(found.rule);
        return bytes.length;
      }
      if (this.exchange !== exchange) return bytes.length;
    }
    return at;
  }

  /** `rest` is the number of bytes after the answer. An endpoint that sends more than one answer is not used again. */
  #end(exchange: Exchange, rest: number, trailers?: HeadFields): void {
    this.#part = "nothing";
    if (rest > 0) this.mustClose = true;
    exchange.answerEnds(trailers);
  }

  onDrain(): void {
    this.plane.turnMs = this.plane.nowMs();
    this.plane.relayMemory.release(this);
    this.exchange?.endpointDrained();
  }

  onEnd(): void {
    const { exchange } = this;
    this.plane.turnMs = this.plane.nowMs();
    if (exchange === undefined) {
      this.#dropIdle();
      return;
    }
    this.mustClose = true;
    if (this.#part === "until-close") this.#end(exchange, 0);
    else exchange.endpointGone(undefined);
  }

  onClose(failure: WireFailure | undefined): void {
    if (this.#isClosed) return;
    this.plane.turnMs = this.plane.nowMs();
    const { exchange } = this;
    if (exchange === undefined) this.#dropIdle();
    else {
      this.mustClose = true;
      if (this.#part === "until-close" && failure === undefined) this.#end(exchange, 0);
      else exchange.endpointGone(failure);
    }
    this.#forget();
  }

  #dropIdle(): void {
    if (this.#isClosed) return;
    this.pool.learnFrom(this, this.plane.turnMs);
    this.pool.remove(this);
    this.close();
  }
}

/** The rules that a field breaks whose line was read to its end. */
const RULES_OF_FIELDS: ReadonlySet<HttpRule> = new Set<HttpRule>([
  "bad-content-length",
  "several-content-lengths",
  "length-with-transfer-encoding",
  "bad-transfer-encoding",
  "several-transfer-encodings",
  "unknown-transfer-coding",
  "transfer-encoding-in-http-1.0",
  "transfer-encoding-without-body",
  "bad-connection",
  "too-many-connection-options",
]);

/** Returns the name of the field that breaks the rule, which is the last that was read. */
const tryFieldOf = (rule: HttpRule, fields: HeadFields): string | undefined =>
  RULES_OF_FIELDS.has(rule) && fields.count > 0 ? fields.name(fields.count - 1) : undefined;
