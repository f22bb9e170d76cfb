import type { AcceptedHandlers, BunListener, BunSocketHandlers, BunSockets } from "./native-api.ts";
import { NativeSocket } from "./socket.ts";
import type { WireListener, WireSocket } from "../wire.ts";

/** Being reloaded costs a few microseconds, so a listener in steady use is spared it. */
const QUIET_MS = 250;

/**
 * A listener of Bun's own. After `upgradeTLS` the raw half goes on telling the listener's handlers each read's
 * ciphertext, in a buffer made for that, unless they have no `data`. So the listener is told data only for as long as
 * one of its sockets has yet to take up TLS, and a little longer.
 */
export class NativeListener implements WireListener {
  readonly #server: BunListener<NativeSocket>;
  readonly #hearing: BunSocketHandlers<NativeSocket>;
  readonly #deaf: AcceptedHandlers<NativeSocket>;
  #isHearing = true;
  /** Sockets without TLS: no byte of theirs may be dropped. */
  #rawSockets = 0;
  /** To stop hearing. */
  #isWaiting = false;
  #isClosed = false;

  /** `handlers` are those of every accepted socket; they find their own in `socket.data`. */
  constructor(
    bun: BunSockets,
    target: { readonly address: string; readonly port: number },
    handlers: BunSocketHandlers<NativeSocket>,
    onAccept: (socket: WireSocket) => void,
  ) {
    this.#hearing = {
      ...handlers,
      open: (socket) => {
        this.#rawSockets += 1;
        this.#hear();
        socket.data = new NativeSocket(socket, this);
        onAccept(socket.data);
      },
    };
    this.#deaf = { ...this.#hearing, data: undefined };
    this.#server = bun.listen<NativeSocket>({
      hostname: target.address,
      port: target.port,
      reusePort: true,
      ipv6Only: true,
      allowHalfOpen: true,
      socket: this.#hearing,
    });
  }

  #hear(): void {
    if (this.#isHearing) return;
    this.#isHearing = true;
    this.#server.reload({ socket: this.#hearing });
  }

  /** One of its sockets has taken up TLS, or has closed before. */
  rawSocketGone(): void {
    this.#rawSockets -= 1;
    if (this.#rawSockets > 0 || this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => this.#stopHearing(), QUIET_MS);
  }

  #stopHearing(): void {
    this.#isWaiting = false;
    if (this.#rawSockets > 0 || this.#isClosed) return;
    this.#isHearing = false;
    this.#server.reload({ socket: this.#deaf });
  }

  /** The engine throws when it is to reload a listener that has stopped. */
  close(): void {
    this.#isClosed = true;
    this.#server.stop();
  }
}
