import type { EndpointFailure } from "#model/records/outcome.ts";
import {
  SILENT,
  type ClientTlsOptions,
  type ConnectTarget,
  type Wire,
  type WireFailure,
  type WireHandler,
  type WireSocket,
} from "../wire/wire.ts";
import { classifyEndpointFailure } from "./classify-endpoint-failure.ts";
import type { Candidate } from "./endpoint-set.ts";

/**
 * One use of an endpoint, from the attempt to connect until `release`. It does not depend on the connection or exchange
 * that uses it. All counting of an endpoint's connections is in this class.
 */
export class EndpointLease implements WireHandler {
  readonly candidate: Candidate;
  /** The raw socket before TLS starts, then the TLS socket. */
  socket: WireSocket;
  #state: "connecting" | "open" | "released";
  #isTls = false;
  /** Whether the wait was ended because the endpoint must not get new connections any more. */
  isAbandoned = false;
  #settle: ((failure: EndpointFailure | undefined) => void) | undefined;

  private constructor(candidate: Candidate, socket: WireSocket, state: "connecting" | "open") {
    this.candidate = candidate;
    this.socket = socket;
    this.#state = state;
  }

  /** Starts to connect. */
  static connect(candidate: Candidate, wire: Wire, target: ConnectTarget): EndpointLease {
    const lease = new EndpointLease(candidate, wire.connect(target, SILENT), "connecting");
    lease.socket.handler = lease;
    candidate.health.connecting += 1;
    return lease;
  }

  /** Uses a socket that is connected already. The handler of the socket stays as it is. */
  static reuse(candidate: Candidate, socket: WireSocket): EndpointLease {
    candidate.health.openConnections += 1;
    candidate.figures.reused();
    return new EndpointLease(candidate, socket, "open");
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Resolves with undefined when the socket is connected or its TLS handshake is done, otherwise with the failure. */
  untilConnected(): Promise<EndpointFailure | undefined> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Starts TLS on the connected socket. Resolves like `untilConnected`. */
  startTls(wire: Wire, options: ClientTlsOptions): Promise<EndpointFailure | undefined> {
    this.#isTls = true;
    this.socket = wire.startClientTls(this.socket, options, this);
    return this.untilConnected();
  }

  /** Counts the connection as open, because the endpoint has accepted it. */
  open(): void {
    const { health } = this.candidate;
    health.connecting -= 1;
    health.openConnections += 1;
    health.succeeded();
    this.candidate.figures.connected();
    this.#state = "open";
  }

  /** Ends the use. The holder of the lease closes the socket. */
  release(): void {
    const { health } = this.candidate;
    if (this.#state === "connecting") health.connecting -= 1;
    if (this.#state === "open") {
      health.openConnections -= 1;
      this.candidate.figures.closed();
    }
    this.#state = "released";
  }

  /** Ends the wait for the endpoint. */
  abandon(): void {
    this.isAbandoned = true;
    this.socket.destroy();
    this.#settleWith(undefined);
  }

  deadlinePassed(): void {
    this.#fail("timeout");
  }

  onOpen(): void {
    this.#settleWith(undefined);
  }

  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#fail(this.#isTls ? "tls-failed" : "reset");
  }

  onClose(failure: WireFailure | undefined): void {
    this.#settleWith(classifyEndpointFailure(failure, this.#isTls));
  }

  #fail(failure: EndpointFailure): void {
    this.socket.destroy();
    this.#settleWith(failure);
  }

  #settleWith(failure: EndpointFailure | undefined): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(failure);
  }
}
