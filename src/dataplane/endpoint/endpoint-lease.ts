import type { EndpointFailure } from "#model/records/outcome.ts";
import type {
  ClientTlsOptions,
  ConnectTarget,
  Wire,
  WireFailure,
  WireHandler,
  WireSocket,
} from "../wire/wire.ts";
import { classifyEndpointFailure } from "./classify-endpoint-failure.ts";
import type { Candidate } from "./endpoint-set.ts";

/**
 * One use of an endpoint, from the attempt to connect until `release`. It knows nothing of the connection or the exchange
 * that uses it. The connections of an endpoint are counted here and nowhere else.
 */
export class EndpointLease implements WireHandler {
  readonly candidate: Candidate;
  /** The raw socket until TLS starts on it, the TLS socket from then on. */
  socket: WireSocket;
  #state: "connecting" | "open" | "released" = "connecting";
  #isTls = false;
  #settle: ((failure: EndpointFailure | undefined) => void) | undefined;

  constructor(candidate: Candidate, wire: Wire, target: ConnectTarget) {
    this.candidate = candidate;
    this.socket = wire.connect(target, this);
    candidate.health.connecting += 1;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Resolves with undefined when the socket is connected, or its TLS handshake is done, else with the reason why not. */
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

  /** The endpoint has taken the connection: it counts as open from now on. */
  open(): void {
    const { health } = this.candidate;
    health.connecting -= 1;
    health.openConnections += 1;
    health.succeeded();
    this.#state = "open";
  }

  /** Ends the use. Whoever holds the lease closes the socket. */
  release(): void {
    const { health } = this.candidate;
    if (this.#state === "connecting") health.connecting -= 1;
    if (this.#state === "open") health.openConnections -= 1;
    this.#state = "released";
  }

  deadlinePassed(): void {
    this.#fail("timeout");
  }

  onOpen(): void {
    this.#tell(undefined);
  }

  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#fail(this.#isTls ? "tls-failed" : "reset");
  }

  onClose(failure: WireFailure | undefined): void {
    this.#tell(classifyEndpointFailure(failure, this.#isTls));
  }

  #fail(failure: EndpointFailure): void {
    this.socket.destroy();
    this.#tell(failure);
  }

  #tell(failure: EndpointFailure | undefined): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(failure);
  }
}
