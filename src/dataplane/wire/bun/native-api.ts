/**
 * The types of Bun's own sockets that the native wire uses. `upgradeTLS` for servers and `secureContext` in the TLS
 * options are not in Bun's published types. They are declared only here, and can-start-tls.ts checks that they exist
 * before they are used.
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
  /** Returns the number of bytes that were accepted, or -1 if the socket is closed. The caller keeps the rest. */
  write(chunk: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Ends this side's half with FIN, or with close_notify and FIN. */
  shutdown(): void;
  /** Closes with RST. */
  terminate(): void;
  close(): void;
  setNoDelay(isOn: boolean): void;
  getTLSVersion(): string;
  getCipher(): { readonly name: string } | null;
  isSessionReused(): boolean;
  /** Returns the certificate, with its issuers if `isAbbreviated` is false. */
  getPeerCertificate(isAbbreviated?: boolean): DetailedPeerCertificate | undefined;
  /** Returns the raw half and the TLS half, or undefined if the socket is closed. */
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
    /** The engine's object inside a `tls.SecureContext`. */
    readonly secureContext: SecureContext["context"];
    readonly requestCert?: boolean;
    readonly rejectUnauthorized: boolean;
    readonly ALPNProtocols?: Buffer;
    readonly serverName?: string;
  };
  /** The bytes of TLS that were already read from the raw socket. If they are not passed, they are lost. */
  readonly initialData?: Buffer;
  readonly data: Data;
  readonly socket: BunSocketHandlers<Data>;
}

export interface BunListener<Data> {
  readonly port: number;
  stop(isAbrupt?: boolean): void;
  /**
   * Replaces the handlers of the listener, of all sockets that it has accepted, and of the raw halves of those with
   * TLS.
   */
  reload(options: { readonly socket: AcceptedHandlers<Data> }): void;
}

export interface AcceptedHandlers<Data> extends Omit<BunSocketHandlers<Data>, "data"> {
  /** If it is undefined, the engine drops received data without a copy. */
  readonly data: BunSocketHandlers<Data>["data"] | undefined;
}

export interface BunSockets {
  listen<Data>(
    options: BunListenTarget & {
      readonly allowHalfOpen: true;
      readonly socket: AcceptedHandlers<Data>;
    },
  ): BunListener<Data>;
}

type BunListenTarget =
  | {
      readonly hostname: string;
      readonly port: number;
      readonly reusePort?: true;
      readonly ipv6Only?: true;
    }
  | { readonly unix: string };

/** Returns undefined on another engine. */
export const tryBunSockets = (): BunSockets | undefined =>
  (globalThis as { readonly Bun?: BunSockets }).Bun;
