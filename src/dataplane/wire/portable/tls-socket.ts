import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { peerCertificateOf, rootOf } from "../peer-certificate.ts";
import { isBun, owner, PortableSocket, type Owned } from "./socket.ts";
import type { PeerCertificate, TlsFacts, TlsSocket } from "../wire.ts";

function onSecure(this: Owned): void {
  this.on("_tlsError", onTlsError);
}
function onTlsError(this: Owned, error: NodeJS.ErrnoException): void {
  this[owner]?.brokenOff(error);
}

/**
 * With chains up to this length, two tickets and a record of 16 KB fit into the 65,535 bytes that BoringSSL can write
 * at a time.
 */
const MAX_BUN_TICKETED_BYTES = 24_000;

interface EngineTls {
  /** The engine's TLS object. It is null in a resumed session without a certificate. */
  readonly ssl?: { verifyError?(): (Error & { code?: string }) | null | undefined } | null;
}

export class PortableTlsSocket extends PortableSocket implements TlsSocket {
  readonly #tls: TLSSocket & EngineTls;
  readonly #raw: Socket;
  readonly #writesTickets: boolean;
  readonly #peerAddress: string;
  readonly #peerPort: number;

  constructor(tls: TLSSocket, raw: Socket, isServer: boolean) {
    super(tls);
    this.#tls = tls;
    this.#raw = raw;
    this.#writesTickets = isServer && !isBun;
    // Both engines clear these properties when the socket closes, and failures are recorded after that.
    this.#peerAddress = raw.remoteAddress ?? "";
    this.#peerPort = raw.remotePort ?? 0;
    raw.on("error", (error: NodeJS.ErrnoException) => this.failed(error));
  }

  /**
   * Listens for the internal event `_tlsError` after the handshake. It is the only sign of a malformed record on a
   * server socket of Node, which keeps the connection open. Bun emits `end` after it, as if the peer had ended its half
   * in order. During the handshake, `error` and `close` report such a record.
   */
  override reportOpenOn(event: "secure" | "secureConnect"): void {
    super.reportOpenOn(event);
    this.socket.once(event, onSecure);
  }

  override get peerAddress(): string {
    return this.#peerAddress;
  }
  override get peerPort(): number {
    return this.#peerPort;
  }

  /** Node encrypts or copies the chunk during the call (TLSWrap::DoWrite), unless an earlier write is not finished. */
  protected override keepsChunks(): boolean {
    return isBun || this.queuedBytes > 0;
  }

  /**
   * Handles the end of the peer's half. If a client resets the connection directly after its handshake, the write of
   * the session tickets in Node fails without an error, and Node then reads an ordinary end. In that case, the remote
   * address is undefined although this half is still open.
   */
  override ended(): void {
    const isOpen = !this.socket.writableEnded;
    const isGone = this.#writesTickets && isOpen && this.#tls.remoteAddress === undefined;
    if (isGone) this.brokenOff({ code: "ECONNRESET", message: "reset before the end" });
    else super.ended();
  }

  /**
   * Resets later, because Node frees the TLS state together with the raw socket, and crashes if it is still inside the
   * handshake.
   */
  protected override resetSocket(): void {
    setImmediate(() => this.#resetNow());
  }

  /** Sends RST on the raw socket. A TLS socket of Node cannot, because it has no TCP handle of its own. */
  #resetNow(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy();
    // Bun destroys the raw socket when the peer ends its half, but its TLS sockets can send RST.
    else if (isBun) this.#tls.resetAndDestroy();
    this.#tls.destroy();
  }

  protected override destroySocket(): void {
    this.#tls.destroy();
    this.#raw.destroy();
  }

  facts(): TlsFacts {
    const cipher = this.#tls.getCipher();
    return {
      version: this.#tls.getProtocol() ?? "unknown",
      cipherSuite: cipher.name,
      alpn: typeof this.#tls.alpnProtocol === "string" ? this.#tls.alpnProtocol : undefined,
      isResumed: this.#tls.isSessionReused(),
    };
  }

  canSendTickets(chainBytes: number): boolean {
    return !isBun || chainBytes <= MAX_BUN_TICKETED_BYTES;
  }

  peerCertificate(): PeerCertificate | undefined {
    return peerCertificateOf(this.#tls.getPeerCertificate(), this.#tls.ssl?.verifyError?.()?.code);
  }

  peerDer(): Uint8Array | undefined {
    return this.#tls.getPeerCertificate().raw;
  }

  peerRoot(): Uint8Array | undefined {
    return rootOf(this.#tls.getPeerCertificate(true));
  }
}

/** Returns the name to send as SNI, which cannot contain an IP address (RFC 6066 section 3). */
export const sniOf = (serverName: string): string => (isIP(serverName) === 0 ? serverName : "");
