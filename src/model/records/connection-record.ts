import type { ConnectionOutcome, EndpointFailure } from "./outcome.ts";
import type { ListenerName } from "../names.ts";

/** One access line. Times are milliseconds since accept, or -1 if the stage was not reached. */
export interface ConnectionRecord {
  readonly id: string;
  /** Milliseconds since the epoch, at accept. */
  readonly atMs: number;
  readonly listener: ListenerName;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly proxyAddress?: string;
  /** The unique id of the received PROXY header, in hexadecimal unless it is printable ASCII. */
  readonly uniqueId?: string;
  readonly virtualIp: string;
  readonly serverName?: string;
  readonly tlsVersion?: string;
  readonly cipherSuite?: string;
  /** Key exchange group, if it is known. */
  readonly group?: string;
  readonly alpn?: string;
  readonly resumed?: boolean;
  /** The common name. Without one, the whole subject; if that is empty, the alternative names. */
  readonly clientCertificate?: string;
  /** Server name and address, as in `web-1 127.0.0.1:8080`. */
  readonly endpoint?: string;
  readonly endpointFailure?: EndpointFailure;
  readonly handshakeMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly durationMs: number;
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
  readonly outcome: ConnectionOutcome;
}
