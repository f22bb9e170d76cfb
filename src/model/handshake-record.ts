import type { HandshakeFailure, OverLimit } from "./outcome.ts";
import type { ListenerName } from "./names.ts";

/** One failed handshake. What the client sent (names) is as it came: escape it where it is shown. */
export interface HandshakeRecord {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly listener: ListenerName;
  readonly failure: HandshakeFailure;
  /** Which limit, with `over-limit`. */
  readonly limit?: OverLimit;
  /** The alert's name, with `client-rejected-certificate` and `client-alert`; `unknown` where the engine cannot read it. */
  readonly alert?: string;
  /** The engine's own words, or what the client offered. */
  readonly detail?: string;
  /** It is empty, and the port 0, if the client was gone before it was accepted. */
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Whose header announced the client, when one did. */
  readonly proxyAddress?: string;
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** Versions that the client offered, e.g. `TLSv1.2`. */
  readonly offeredVersions?: readonly string[];
  readonly durationMs: number;
}
