import type { HandshakeFailure, OverLimit } from "./outcome.ts";
import type { ListenerName } from "../names.ts";

/** One failed handshake. Names that the client sent are unchanged, and must be escaped where they are shown. */
export interface HandshakeRecord {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly listener: ListenerName;
  readonly failure: HandshakeFailure;
  /** Which limit, with `over-limit`. */
  readonly limit?: OverLimit;
  /** Name of the alert, with `client-rejected-certificate` and `client-alert`; `unknown` if the engine cannot read it. */
  readonly alert?: string;
  /** The error text of the engine, or what the client offered. */
  readonly detail?: string;
  /** It is empty, and the port 0, if the client was gone before it was accepted. */
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Address of the peer whose PROXY header announced the client. */
  readonly proxyAddress?: string;
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** Versions that the client offered, e.g. `TLSv1.2`. */
  readonly offeredVersions?: readonly string[];
  readonly durationMs: number;
}
