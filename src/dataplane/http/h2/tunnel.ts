import type { HttpOutcome } from "#model/records/http-outcome.ts";
import type { Deadlined } from "../../live/deadlines.ts";
import type { WireFailure, WireHandler, WireSocket } from "../../wire/wire.ts";
import type { Exchange } from "../exchange.ts";
import { ERROR } from "./frames.ts";
import type { Stream } from "./stream.ts";

/**
 * A WebSocket in a stream (RFC 8441): bytes are relayed between the stream and the connection to the endpoint. END_STREAM stands for
 * FIN, and RST_STREAM for RST.
 */
export class Tunnel implements WireHandler, Deadlined {
  deadlineAtMs = 0;
  deadlinePlace = -1;
  readonly #stream: Stream;
  readonly #exchange: Exchange;
  readonly #endpoint: WireSocket;
  #bytesFromClient = 0;
  /** Whether the socket of the endpoint has more queued than it should. */
  #isFull = false;
  #hasClientEnded = false;
  #hasEndpointEnded = false;
  #isOver = false;

  constructor(stream: Stream, exchange: Exchange, endpoint: WireSocket) {
    this.#stream = stream;
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    endpoint.handler = this;
    exchange.plane.deadlines.add(this);
    this.#touch();
    if (stream.isBehind) endpoint.pause();
  }

  get takesBytes(): boolean {
    return !this.#isFull && !this.#isOver;
  }

  #touch(): void {
    const { plane, rules } = this.#exchange;
    const isHalf = this.#hasClientEnded || this.#hasEndpointEnded;
    const { spec } = rules;
    this.deadlineAtMs =
      plane.deadlines.nowMs + (isHalf ? spec.timeouts.halfClosedMs : spec.http.upgradedMs);
  }

  onDeadline(): void {
    this.#exchange.plane.http.turnMs = this.#exchange.plane.clock.nowMs();
    this.#endpoint.reset();
    this.#stream.reset(ERROR.cancel);
    this.#end("upgraded");
  }

  /** Sends bytes of the client to the endpoint. */
  send(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    this.#bytesFromClient += to - from;
    this.#touch();
    const run = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
    this.#isFull = !this.#endpoint.write(run, isLent);
  }

  /** The client has ended its half. */
  endSending(): void {
    this.#hasClientEnded = true;
    this.#endpoint.end();
    this.#touch();
    this.#endIfBothEnded();
  }

  resume(): void {
    this.#touch();
    this.#endpoint.resume();
  }

  onOpen(): void {}

  onData(chunk: Buffer): void {
    this.#touch();
    this.#beginTurn();
    this.#stream.sendBody(chunk, 0, chunk.length);
    this.#stream.flush();
    if (this.#stream.isBehind) this.#endpoint.pause();
  }

  onDrain(): void {
    this.#isFull = false;
    this.#touch();
    this.#beginTurn();
    this.#stream.resumeRequest();
  }

  onEnd(): void {
    if (this.#hasEndpointEnded) return;
    this.#hasEndpointEnded = true;
    this.#touch();
    this.#beginTurn();
    this.#stream.endTunnel();
    this.#endIfBothEnded();
  }

  onClose(failure: WireFailure | undefined): void {
    this.#beginTurn();
    if (failure !== undefined && !this.#isOver) {
      this.#stream.reset(ERROR.cancel);
      this.#end("upgraded");
    } else if (!this.#hasEndpointEnded) this.onEnd();
    else if (!this.#isOver) this.#end("upgraded");
  }

  #beginTurn(): void {
    const { http } = this.#exchange.plane;
    http.turnMs = http.nowMs();
  }

  #endIfBothEnded(): void {
    if (this.#hasClientEnded && this.#hasEndpointEnded) this.#end("upgraded");
  }

  /** Ends both sides at once. */
  abort(outcome: HttpOutcome): void {
    if (this.#isOver) return;
    this.#endpoint.reset();
    this.#end(outcome);
  }

  #end(outcome: HttpOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange.plane.deadlines.remove(this);
    this.#exchange.upgradeEnds(outcome, this.#bytesFromClient);
  }
}
