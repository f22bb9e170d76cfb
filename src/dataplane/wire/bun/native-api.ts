/**
 * What the native wire uses of Bun's own sockets. `upgradeTLS` on the server's side and `secureContext` among its TLS
 * options are not in Bun's published types: they are named here and nowhere else, and probed for before they are used.
 */
import type { DetailedPeerCertificate, SecureContext } from "node:tls";

export interface BunError {
  readonly code?: string;
  readonly message?: string;
}

export interface BunSocket<Data> {
  data: Data;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly alpnProtocol?: string | false | null;
  /** Bytes that were taken; -1 when the socket is closed. What was not taken is the caller's to keep. */
  write(chunk: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Ends this side's half: FIN, or close_notify and FIN. */
  shutdown(): void;
  /** RST. */
  terminate(): void;
  close(): void;
  setNoDelay(isOn: boolean): void;
  getTLSVersion(): string;
  getCipher(): { readonly name: string } | null;
  isSessionReused(): boolean;
  /** With its issuers if `isAbbreviated` is false. */
  getPeerCertificate(isAbbreviated?: boolean): DetailedPeerCertificate | undefined;
  /** The raw half and the TLS half; undefined where the socket is closed. */
  upgradeTLS(
    options: BunUpgradeOptions<Data>,
  ): readonly [BunSocket<Data>, BunSocket<Data>] | undefined;
}

export interface BunSocketHandlers<Data> {
  open?(socket: BunSocket<Data>): void;
  handshake?(socket: BunSocket<Data>, isDone: boolean, error: BunError | null): void;
  data(socket: BunSocket<Data>, chunk: Buffer): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: BunError): void;
  error(socket: BunSocket<Data>, error: BunError): void;
}

export interface BunUpgradeOptions<Data> {
  readonly isServer: boolean;
  readonly tls: {
    /** The native half of a `tls.SecureContext`. */
    readonly secureContext: SecureContext["context"];
    readonly requestCert?: boolean;
    readonly rejectUnauthorized: boolean;
    readonly ALPNProtocols?: Buffer;
    readonly serverName?: string;
  };
  /** What was read from the raw socket and belongs to TLS; without it those bytes are lost. */
  readonly initialData?: Buffer;
  readonly data: Data;
  readonly socket: BunSocketHandlers<Data>;
}

export interface BunListener<Data> {
  readonly port: number;
  stop(isAbrupt?: boolean): void;
  /** Other handlers for the listener, for all that it has accepted, and for the raw halves of those that took up TLS. */
  reload(options: { readonly socket: AcceptedHandlers<Data> }): void;
}

export interface AcceptedHandlers<Data> extends Omit<BunSocketHandlers<Data>, "data"> {
  /** Without it what arrives is dropped, and costs no more than being received. */
  readonly data: BunSocketHandlers<Data>["data"] | undefined;
}

export interface BunSockets {
  listen<Data>(options: {
    readonly hostname: string;
    readonly port: number;
    readonly reusePort?: true;
    readonly ipv6Only?: true;
    readonly allowHalfOpen: true;
    readonly socket: AcceptedHandlers<Data>;
  }): BunListener<Data>;
}

/** Undefined on another engine. */
export const tryBunSockets = (): BunSockets | undefined =>
  (globalThis as { readonly Bun?: BunSockets }).Bun;
