import type { AcceptedHandlers, BunListener, BunSocketHandlers, BunSockets } from "./native-api.ts";
import { NativeSocket } from "./socket.ts";
import type { ListenTarget, WireListener, WireSocket } from "../wire.ts";

/**
 * How long the listener waits before it removes its data handler. A reload takes a few microseconds, so a listener in
 * steady use is not reloaded.
 */
const QUIET_MS = 250;

/**
 * A listener on Bun's own sockets. After `upgradeTLS`, the raw half of a socket continues to pass the ciphertext of
 * each read to the `data` handler of the listener, in a new buffer. If there is no such handler, this cost is avoided.
 * So the listener has a `data` handler only while one of its sockets is still without TLS, and for QUIET_MS after that.
 */
export class NativeListener implements WireListener {
  readonly #server: BunListener<NativeSocket>;
  readonly #handlers: BunSocketHandlers<NativeSocket>;
  readonly #handlersWithoutData: AcceptedHandlers<NativeSocket>;
  #receivesData = true;
  /** Number of sockets on which TLS has not started. Their bytes must not be dropped. */
  #rawSockets = 0;
  /** Whether a timer is set that removes the data handler. */
  #isStopScheduled = false;
  #isClosed = false;

  /** `handlers` are used for every accepted socket. They find the object of a socket in `socket.data`. */
  constructor(
    bun: BunSockets,
    target: ListenTarget,
    handlers: BunSocketHandlers<NativeSocket>,
    onAccept: (socket: WireSocket) => void,
  ) {
    this.#handlers = {
      ...handlers,
      open: (socket) => {
        this.#rawSockets += 1;
        this.#startData();
        socket.data = new NativeSocket(socket, this);
        onAccept(socket.data);
      },
    };
    this.#handlersWithoutData = { ...this.#handlers, data: undefined };
    this.#server = bun.listen<NativeSocket>({
      ...("path" in target
        ? { unix: target.path }
        : { hostname: target.address, port: target.port, reusePort: true, ipv6Only: true }),
      allowHalfOpen: true,
      socket: this.#handlers,
    });
  }

  #startData(): void {
    if (this.#receivesData) return;
    this.#receivesData = true;
    this.#server.reload({ socket: this.#handlers });
  }

  /** Called when TLS has started on one of its sockets, or the socket has closed before that. */
  rawSocketGone(): void {
    this.#rawSockets -= 1;
    if (this.#rawSockets > 0 || this.#isStopScheduled) return;
    this.#isStopScheduled = true;
    setTimeout(() => this.#stopData(), QUIET_MS);
  }

  #stopData(): void {
    this.#isStopScheduled = false;
    if (this.#rawSockets > 0 || this.#isClosed) return;
    this.#receivesData = false;
    this.#server.reload({ socket: this.#handlersWithoutData });
  }

  /** Stops the listener. It is not reloaded after that, because the engine would throw. */
  close(): void {
    this.#isClosed = true;
    this.#server.stop();
  }
}
