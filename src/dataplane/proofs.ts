/**
 * Shows the control process which certificate this worker presents. A connection to a listener reaches a worker that the
 * kernel chooses, so the control process cannot ask a certain worker there.
 */
import { timingSafeEqual } from "node:crypto";
import { PROOF_MS, PROOF_TOKEN_BYTES, proofSocketOf } from "#protocol/proof-socket.ts";
import type { Prove, ToControl } from "#protocol/messages.ts";
import type { ListenerName } from "#model/names.ts";
import type { Plane } from "./connection/connection-state.ts";
import { tryClientTlsRules } from "./listener-rules.ts";
import type { LiveListener } from "./live-listeners.ts";
import { chooseContext } from "./tls/choose-context.ts";
import { HelloReader, MAX_HELLO_BYTES, type ClientHello } from "./tls/client-hello.ts";
import { resolveName } from "./tls/resolve-name.ts";
import type { WireHandler, WireListener, WireSocket } from "./wire/wire.ts";

/** The socket of a proof has few connections at a time. A further one takes the place of the oldest. */
const MAX_CONNECTIONS = 8;

export interface ProofParts {
  readonly plane: Pick<Plane, "wire" | "contexts">;
  readonly tryListener: (name: ListenerName) => LiveListener | undefined;
  readonly send: (message: ToControl) => void;
}

export class Proofs {
  readonly #parts: ProofParts;

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /** Resolves when the socket is open, or cannot be opened. The control process is then told so. */
  async open({ number, listener, token }: Prove): Promise<void> {
    const { plane, tryListener, send } = this.#parts;
    const proof = new Proof(plane, Buffer.from(token, "base64"), () => tryListener(listener));
    try {
      await proof.open();
      send({ type: "proving", number });
    } catch (cause) {
      proof.close();
      send({ type: "proving", number, failure: String(cause).slice(0, 500) });
    }
  }
}

/** The socket of one proof. It is closed when a connection has started with the token, or at the deadline. */
class Proof {
  readonly plane: ProofParts["plane"];
  readonly tryListener: () => LiveListener | undefined;
  readonly #token: Buffer;
  readonly #connections = new Set<ProofConnection>();
  readonly #deadline: NodeJS.Timeout;
  #listener: WireListener | undefined;
  #isClosed = false;

  constructor(
    plane: ProofParts["plane"],
    token: Buffer,
    tryListener: () => LiveListener | undefined,
  ) {
    this.plane = plane;
    this.#token = token;
    this.tryListener = tryListener;
    this.#deadline = setTimeout(() => this.close(), PROOF_MS);
  }

  async open(): Promise<void> {
    const path = proofSocketOf(this.#token);
    const listener = await this.plane.wire.listen({ path }, (socket) => this.#accept(socket));
    if (this.#isClosed) return listener.close();
    this.#listener = listener;
  }

  #accept(socket: WireSocket): void {
    if (this.#listener === undefined) return socket.destroy();
    const [oldest] = this.#connections;
    if (this.#connections.size >= MAX_CONNECTIONS) oldest?.close();
    this.#connections.add(new ProofConnection(this, socket));
  }

  /** Takes the token of a connection, which no other connection can use after that. Returns false if it is another one. */
  take(connection: ProofConnection, token: Uint8Array): boolean {
    if (!timingSafeEqual(token, this.#token)) return false;
    this.#stopListening();
    for (const other of this.#connections) if (other !== connection) other.close();
    return true;
  }

  forget(connection: ProofConnection): void {
    this.#connections.delete(connection);
    if (this.#listener === undefined && this.#connections.size === 0) clearTimeout(this.#deadline);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#deadline);
    this.#stopListening();
    for (const connection of this.#connections) connection.close();
  }

  #stopListening(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }
}

/**
 * A connection to the socket of a proof: the token, then a TLS client. The certificate is chosen as for a client of the
 * listener, but the client is neither admitted, asked for a certificate, counted nor recorded.
 */
class ProofConnection implements WireHandler {
  readonly #proof: Proof;
  readonly #hello = new HelloReader(MAX_HELLO_BYTES);
  #socket: WireSocket;
  #bytes: Buffer = Buffer.alloc(0);
  #hasToken = false;

  constructor(proof: Proof, socket: WireSocket) {
    this.#proof = proof;
    this.#socket = socket;
    socket.handler = this;
    socket.resume();
  }

  onData(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#hasToken) {
      if (this.#bytes.length < PROOF_TOKEN_BYTES) return;
      this.#hasToken = this.#proof.take(this, this.#bytes.subarray(0, PROOF_TOKEN_BYTES));
      if (!this.#hasToken) return this.close();
      this.#bytes = this.#bytes.subarray(PROOF_TOKEN_BYTES);
    }
    const result = this.#hello.read(this.#bytes);
    if (result.kind === "incomplete") return;
    if (result.kind === "hello") this.#startTls(result.hello);
    else this.close();
  }

  #startTls(hello: ClientHello): void {
    const { wire, contexts } = this.#proof.plane;
    const listener = this.#proof.tryListener();
    const rules = listener && tryClientTlsRules(listener.rules);
    const identity = rules && resolveName(rules, hello.serverName).identity;
    const choice = identity && chooseContext(contexts, identity, hello, Date.now());
    if (choice === undefined || !("context" in choice)) return this.close();
    this.#socket.hold();
    const options = {
      context: choice.context,
      firstBytes: this.#bytes,
      requestCertificate: false,
      requireCertificate: false,
      alpn: undefined,
    };
    this.#socket = wire.startServerTls(this.#socket, options, {
      onOpen: () => {
        this.#socket.resume();
        this.#socket.end();
      },
      onData: () => this.close(),
      onDrain() {},
      onEnd: () => this.close(),
      onClose: () => this.onClose(),
    });
  }

  onOpen(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.close();
  }

  onClose(): void {
    this.#proof.forget(this);
  }

  close(): void {
    this.#proof.forget(this);
    this.#socket.destroy();
  }
}
