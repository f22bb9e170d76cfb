/**
 * The seam to the engine's sockets. Nothing else in the data plane knows node:net, node:tls or Bun's own sockets, so a
 * second implementation stands beside the first without the rest noticing.
 */

/** What keeps a TLS handshake from being done, or breaks TLS after it. */
export type TlsFailureReason =
  | "no-shared-cipher"
  | "no-shared-group"
  | "no-shared-signature"
  | "no-shared-alpn"
  | "unsupported-version"
  /** The peer's message is longer than the engine takes. */
  | "too-large"
  /** The peer has sent no certificate and one is required. */
  | "no-certificate"
  | "protocol-error";

/** What is wrong with the peer's certificate. */
export type VerifyFailureReason =
  | "untrusted"
  | "expired"
  | "crl-expired"
  /** There is no revocation list of a CA in the chain. Engines say so too of a chain that leads to no CA of the context. */
  | "crl-missing"
  | "revoked"
  | "wrong-name";

/** `detail` is the engine's or the system's own code, such as `ERR_SSL_NO_SHARED_CIPHER`. It is for people to read. */
export interface VerifyFailure {
  readonly kind: "verify";
  readonly reason: VerifyFailureReason;
  readonly detail: string;
}

/** Why a socket closed. What is above the seam decides by kind, reason and alert, and never by `detail`. */
export type WireFailure =
  | {
      readonly kind:
        | "reset"
        /** The peer has ended its half during the TLS handshake. */
        | "closed"
        | "refused"
        | "unreachable"
        | "timeout"
        | "name-not-found"
        | "no-open-files"
        | "other";
      readonly detail: string;
    }
  /** The peer has sent an alert. `alert` is its name in RFC 8446 section 6, or undefined if the engine cannot read it. */
  | { readonly kind: "alert"; readonly alert: string | undefined; readonly detail: string }
  | { readonly kind: "tls"; readonly reason: TlsFailureReason; readonly detail: string }
  | VerifyFailure;

/** What a socket tells. One object at a time listens to a socket; nothing is told before it is there. */
export interface WireHandler {
  /** Connected, or the TLS handshake is done. Not told for sockets that were accepted. */
  onOpen(): void;
  /** Only after `resume()`. The chunk belongs to the handler; where it is lent, for the length of the call. */
  onData(chunk: Buffer, isLent: boolean): void;
  /** What `write` could not take at once has gone. */
  onDrain(): void;
  /** The peer has ended its half: FIN, or close_notify. */
  onEnd(): void;
  /** Once, and the last that is told. No failure: both halves ended in order, or this side closed it. */
  onClose(failure: WireFailure | undefined): void;
}

/** Listens until the next stage does. */
export const SILENT: WireHandler = {
  onOpen() {},
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
};

export interface WireSocket {
  /**
   * It is empty, and the port 0, if the peer was gone before the socket was accepted, and on Bun also once the socket is
   * closed. So it is read at accept.
   */
  readonly peerAddress: string;
  readonly peerPort: number;
  /** It is asked of the kernel when it is read. It is empty, and the port 0, once the socket is closed. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes that `write` took and the kernel has not. */
  readonly queuedBytes: number;
  /** `end` was called, and all that was written and the end itself are with the kernel. */
  readonly hasFinished: boolean;
  handler: WireHandler;
  /**
   * False: the queue is over its mark; stop until `onDrain`. Every byte is taken all the same. A chunk that is lent may
   * change as soon as this returns; any other belongs to the socket.
   */
  write(chunk: Uint8Array, isLent?: boolean): boolean;
  resume(): void;
  /** Reads no more, but for what is under way. */
  pause(): void;
  /** For a moment, between two stages: what comes is kept, up to about the high-water mark. */
  hold(): void;
  /** Ends this side's half once all that was written has gone. */
  end(): void;
  /** Drops what is queued and sends RST. */
  reset(): void;
  /** Drops what is queued and closes. What is with the kernel is still delivered. */
  destroy(): void;
}

/** What is known of a TLS session once its handshake is done. */
export interface TlsFacts {
  readonly version: string;
  /** As OpenSSL calls it. */
  readonly cipherSuite: string;
  readonly alpn: string | undefined;
  readonly isResumed: boolean;
}

export interface PeerCertificate {
  readonly commonName: string | undefined;
  /** RFC 4514-like, in the order of the certificate; its alternative names where it is empty (RFC 5280 section 4.1.2.6). */
  readonly subject: string;
  /** Of its DER, and of what else the engine tells of its chain. */
  readonly chainBytes: number;
  /** It is undefined if the certificate is valid. */
  readonly verifyFailure: VerifyFailure | undefined;
}

export interface TlsSocket extends WireSocket {
  /** After `onOpen`. */
  facts(): TlsFacts;
  /** Undefined: the peer sent none, now or in the session that it resumes. */
  peerCertificate(): PeerCertificate | undefined;
  /**
   * DER of the self-signed certificate in which the chain of the peer's certificate ends, whether the peer has sent it or
   * the context has it among its CAs. Undefined if the chain does not end in one. It is asked after a failure only.
   */
  peerRoot(): Uint8Array | undefined;
  /**
   * Whether the engine can send session tickets that hold so many bytes of the peer's certificates, and data after them.
   * Asked before the first write, of a server that speaks TLS 1.3.
   */
  canSendTickets(chainBytes: number): boolean;
}

/** An engine's TLS context; opaque. */
export interface WireContext {
  /** Session tickets from now on are sealed with this key (48 bytes); without effect where the engine has no such thing. */
  setTicketKeys(keys: Buffer): void;
}

export interface ContextSpec {
  readonly chainPem: string | undefined;
  readonly keyPem: string | undefined;
  /** Undefined: the system's CAs where `trustsSystem` says so, else none. */
  readonly caPem: string | undefined;
  readonly trustsSystem: boolean;
  readonly crlPem: string | undefined;
  /** A peer's chain may end in any certificate of `caPem`. Otherwise it must end in a self-signed one. */
  readonly partialChain: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  readonly cipherSuites: readonly string[];
  readonly groups: readonly string[];
  readonly tickets: boolean;
  /** At most 32 characters (RFC 5246 appendix F.1.4; OpenSSL's session id context). */
  readonly sessionIdContext: string | undefined;
  /** 48 bytes. */
  readonly ticketKeys: Buffer | undefined;
}

export interface ServerTlsOptions {
  readonly context: WireContext;
  /** What was read from the raw socket and belongs to TLS: the ClientHello. */
  readonly firstBytes: Buffer;
  readonly requestCertificate: boolean;
  /** The handshake itself fails without one, with the alert of RFC 8446 section 6.2. */
  readonly requireCertificate: boolean;
  /** RFC 7301 wire format; undefined: ALPN is not answered. */
  readonly alpn: Buffer | undefined;
}

export interface ClientTlsOptions {
  readonly context: WireContext;
  readonly verify: boolean;
  /** Sent as SNI when it is a name, and verified, name or address. */
  readonly serverName: string;
}

export type ConnectTarget = (
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
) & {
  /** `startClientTls` follows; without it the socket stays plaintext. */
  readonly isTlsNext: boolean;
};

export interface WireListener {
  close(): void;
}

export interface Wire {
  /** Sockets arrive paused. Rejects with a DirectorError that names why the address cannot be listened on. */
  listen(
    target: { readonly address: string; readonly port: number },
    onAccept: (socket: WireSocket) => void,
  ): Promise<WireListener>;
  connect(target: ConnectTarget, handler: WireHandler): WireSocket;
  /** The longest ClientHello that the engine takes, with its header, where a certificate is asked of the client or not. */
  maxHelloBytes(requestsCertificate: boolean): number;
  /** Throws where the engine takes a part of the spec not. */
  buildContext(spec: ContextSpec): WireContext;
  /** The raw socket is not to be used after this. */
  startServerTls(raw: WireSocket, options: ServerTlsOptions, handler: WireHandler): TlsSocket;
  startClientTls(raw: WireSocket, options: ClientTlsOptions, handler: WireHandler): TlsSocket;
}

/** Bytes of each socket's buffers in each direction before it holds back. */
export const HIGH_WATER_MARK_BYTES = 64 * 1024;
