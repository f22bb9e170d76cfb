/**
 * The seam to the engine's sockets. No other part of the data plane uses node:net, node:tls or Bun's own sockets, so an
 * implementation can be added without changes elsewhere.
 */

/** Why a TLS handshake failed, or why TLS failed after it. */
export type TlsFailureReason =
  | "no-shared-cipher"
  | "no-shared-group"
  | "no-shared-signature"
  | "no-shared-alpn"
  | "unsupported-version"
  /** The peer's message is longer than the engine supports. */
  | "too-large"
  /** A certificate is required and the peer sent none. */
  | "no-certificate"
  | "protocol-error";

/** Why the peer's certificate is not valid. */
export type VerifyFailureReason =
  | "untrusted"
  | "expired"
  | "crl-expired"
  /**
   * A CA in the chain has no revocation list. Engines also report this for a chain that does not lead to a CA of the
   * context.
   */
  | "crl-missing"
  | "revoked"
  | "wrong-name";

/**
 * `detail` is the code of the engine or the system, such as `ERR_SSL_NO_SHARED_CIPHER`. It is only for people to read.
 */
export interface VerifyFailure {
  readonly kind: "verify";
  readonly reason: VerifyFailureReason;
  readonly detail: string;
}

/** Why a socket closed. Code above the seam decides by kind, reason and alert, and never by `detail`. */
export type WireFailure =
  | {
      readonly kind:
        | "reset"
        /** The peer ended its half during the TLS handshake. */
        | "closed"
        | "refused"
        | "unreachable"
        | "timeout"
        | "name-not-found"
        | "no-open-files"
        | "other";
      readonly detail: string;
    }
  /** The peer sent an alert. `alert` is its name in RFC 8446 section 6, or undefined if the engine cannot read it. */
  | { readonly kind: "alert"; readonly alert: string | undefined; readonly detail: string }
  | { readonly kind: "tls"; readonly reason: TlsFailureReason; readonly detail: string }
  | VerifyFailure;

/** The events of a socket. A socket has one handler at a time. */
export interface WireHandler {
  /** The socket is connected, or its TLS handshake is done. Not called for accepted sockets. */
  onOpen(): void;
  /**
   * Data has arrived. Called only after `resume()`. The chunk belongs to the handler. A lent chunk is valid only during
   * the call.
   */
  onData(chunk: Buffer, isLent: boolean): void;
  /** The data that `write` had to queue was sent. */
  onDrain(): void;
  /** The peer has ended its half, with FIN or close_notify. */
  onEnd(): void;
  /**
   * The socket has closed. This is the last event and occurs once. `failure` is undefined if both halves ended in order
   * or this side closed the socket.
   */
  onClose(failure: WireFailure | undefined): void;
}

/** A handler that ignores all events. It is used until the next stage sets its own. */
export const SILENT: WireHandler = {
  onOpen() {},
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
};

export interface WireSocket {
  /**
   * Address and port of the peer. They are empty and 0 if the peer closed before the socket was accepted, and on Bun
   * also after the socket has closed. So they are read at accept.
   */
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Address and port of this side. Each read asks the kernel. They are empty and 0 after the socket has closed. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes that were written and that the kernel has not accepted yet. */
  readonly queuedBytes: number;
  /** Whether `end` was called and the kernel has accepted all data and the end. */
  readonly hasFinished: boolean;
  handler: WireHandler;
  /**
   * Writes or queues the whole chunk. Returns false if the queue exceeds its high-water mark: the caller should then
   * wait for `onDrain`. A lent chunk can change as soon as `write` returns. Any other chunk belongs to the socket
   * afterwards.
   */
  write(chunk: Uint8Array, isLent?: boolean): boolean;
  resume(): void;
  /** Stops reading. Data of a read in progress is still delivered. */
  pause(): void;
  /**
   * Pauses the socket for the short time between two stages. Data that arrives is kept, up to about the high-water
   * mark.
   */
  hold(): void;
  /** Ends this side's half after all queued data was sent. */
  end(): void;
  /** Drops queued data and sends RST. */
  reset(): void;
  /** Drops queued data and closes. Data that the kernel has accepted is still delivered. */
  destroy(): void;
}

/** The facts about a TLS session after its handshake. */
export interface TlsFacts {
  readonly version: string;
  /** The OpenSSL name. */
  readonly cipherSuite: string;
  readonly alpn: string | undefined;
  readonly isResumed: boolean;
}

export interface PeerCertificate {
  readonly commonName: string | undefined;
  /**
   * The subject, similar to RFC 4514, in the order of the certificate. If it is empty, the alternative names (RFC 5280
   * section 4.1.2.6).
   */
  readonly subject: string;
  /** Length of the DER of the certificate and of the other certificates in the chain that the engine reports. */
  readonly chainBytes: number;
  /** Undefined if the certificate is valid. */
  readonly verifyFailure: VerifyFailure | undefined;
}

export interface TlsSocket extends WireSocket {
  /** Can be called after `onOpen`. */
  facts(): TlsFacts;
  /** Returns undefined if the peer sent no certificate, neither now nor in the session that it resumes. */
  peerCertificate(): PeerCertificate | undefined;
  /** Returns the DER of the peer's certificate, or undefined if it sent none. */
  peerDer(): Uint8Array | undefined;
  /**
   * Returns the DER of the self-signed certificate that the chain of the peer's certificate ends in, whether the peer
   * sent it or it is a CA of the context. Returns undefined if the chain does not end in one. Called only after a
   * failed verification.
   */
  peerRoot(): Uint8Array | undefined;
  /**
   * Returns whether the engine can send session tickets that contain this many bytes of the peer's certificates, and
   * data after them. Must be called before the first write, on a server that uses TLS 1.3.
   */
  canSendTickets(chainBytes: number): boolean;
}

/** A TLS context of the engine. */
export interface WireContext {
  /** An estimate of the memory that it takes. */
  readonly memoryBytes: number;
  /**
   * Sets the key (48 bytes) that new session tickets are encrypted with. Has no effect if the engine does not support
   * it.
   */
  setTicketKeys(keys: Buffer): void;
}

export interface ContextSpec {
  readonly chainPem: string | undefined;
  readonly keyPem: string | undefined;
  /** The CAs. If undefined, those of the system if `trustsSystem` is true, otherwise none. */
  readonly caPem: string | undefined;
  readonly trustsSystem: boolean;
  readonly crlPem: string | undefined;
  /** Whether a peer's chain may end in any certificate of `caPem`. Otherwise, it must end in a self-signed one. */
  readonly partialChain: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  readonly cipherSuites: readonly string[];
  readonly groups: readonly string[];
  readonly tickets: boolean;
  /** At most 32 characters (RFC 5246 appendix F.1.4, session id context of OpenSSL). */
  readonly sessionIdContext: string | undefined;
  /** The keys, 48 bytes. Undefined for keys that the engine chooses. */
  readonly ticketKeys: Buffer | undefined;
}

export interface ServerTlsOptions {
  readonly context: WireContext;
  /** The bytes of TLS that were already read from the raw socket: the ClientHello and what follows it. */
  readonly firstBytes: Buffer;
  readonly requestCertificate: boolean;
  /** Whether the handshake fails if the client sends no certificate, with the alert of RFC 8446 section 6.2. */
  readonly requireCertificate: boolean;
  /** The protocols in the wire format of RFC 7301. Undefined if ALPN is not answered. */
  readonly alpn: Buffer | undefined;
}

export interface ClientTlsOptions {
  readonly context: WireContext;
  readonly verify: boolean;
  /** A name or an address. It is verified, and a name is also sent as SNI. */
  readonly serverName: string;
}

export type ConnectTarget = (
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
) & {
  /** Whether `startClientTls` will be called on the socket. If not, it stays plaintext. */
  readonly isTlsNext: boolean;
};

export type ListenTarget =
  | { readonly address: string; readonly port: number }
  /** A unix socket. */
  | { readonly path: string };

export interface WireListener {
  close(): void;
}

export interface Wire {
  /**
   * Listens on the target. Accepted sockets are paused. Rejects with a DirectorError that names why the target cannot
   * be listened on.
   */
  listen(target: ListenTarget, onAccept: (socket: WireSocket) => void): Promise<WireListener>;
  connect(target: ConnectTarget, handler: WireHandler): WireSocket;
  /**
   * Returns the maximum length of a ClientHello that the engine supports, including its header. It can depend on
   * whether a client certificate is requested.
   */
  maxHelloBytes(requestsCertificate: boolean): number;
  /** Throws if the engine does not accept part of the spec. */
  buildContext(spec: ContextSpec): WireContext;
  /** The raw socket must not be used after this call. */
  startServerTls(raw: WireSocket, options: ServerTlsOptions, handler: WireHandler): TlsSocket;
  startClientTls(raw: WireSocket, options: ClientTlsOptions, handler: WireHandler): TlsSocket;
}

/** How many bytes a socket buffers in each direction before it applies back-pressure. */
export const HIGH_WATER_MARK_BYTES = 64 * 1024;
