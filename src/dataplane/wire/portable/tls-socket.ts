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

/** Two tickets and a record of 16 KB fit into the 65,535 bytes that BoringSSL writes at once. */
const MAX_BUN_TICKETED_BYTES = 24_000;

interface EngineTls {
  /** Node and Bun keep it under `ssl`; a resumed session without a certificate has null here. */
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
    // Both engines forget these once the socket is gone, and a failure is recorded after that.
    this.#peerAddress = raw.remoteAddress ?? "";
    this.#peerPort = raw.remotePort ?? 0;
    raw.on("error", (error: NodeJS.ErrnoException) => this.failed(error));
  }

  /**
   * A record that is broken after the handshake: the server's side of Node says so by this internal event alone and goes
   * on, that of Bun lets an end follow, as if the peer had ended its half in order. Before, `error` and `close` tell.
   */
  override tellOpen(event: "secure" | "secureConnect"): void {
    super.tellOpen(event);
    this.socket.once(event, onSecure);
  }

  override get peerAddress(): string {
    return this.#peerAddress;
  }
  override get peerPort(): number {
    return this.#peerPort;
  }

  /** Node encrypts during the call, or copies (TLSWrap::DoWrite), unless an earlier write has yet to be told done. */
  protected override keepsChunks(): boolean {
    return isBun || this.queuedBytes > 0;
  }

  /**
   * A client that resets right after its handshake: Node drops the failure when it writes the session tickets, and then
   * reads an end. That no peer is known tells it from an end in order, where this half is still open.
   */
  override ended(): void {
    const isOpen = !this.socket.writableEnded;
    const isGone = this.#writesTickets && isOpen && this.#tls.remoteAddress === undefined;
    if (isGone) this.brokenOff({ code: "ECONNRESET", message: "reset before the end" });
    else super.ended();
  }

  /** Not at once: Node frees the TLS state with the raw socket, and crashes where it is still inside of the handshake. */
  protected override resetSocket(): void {
    setImmediate(() => this.#resetNow());
  }

  /** RST has to come from the socket beneath: a TLS socket refuses, as it has no TCP handle of its own. */
  #resetNow(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy();
    // Bun lets go of the raw socket when the peer ends its half, and its TLS sockets can reset.
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

  peerRoot(): Uint8Array | undefined {
    return rootOf(this.#tls.getPeerCertificate(true));
  }
}

/** SNI carries names only (RFC 6066 section 3). */
export const sniOf = (serverName: string): string => (isIP(serverName) === 0 ? serverName : "");
