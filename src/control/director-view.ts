import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { DirectorStatus, VnicStatus, WorkerStatus } from "#model/records/status.ts";

/** The state of the director that the admin API shows. */
export interface DirectorView {
  status(): DirectorStatus;
  workers(): readonly WorkerStatus[];
  vnics(): readonly VnicStatus[];
  /** Returns up to `limit` failed handshakes, the newest first. */
  handshakes(limit: number): readonly HandshakeRecord[];
  /** Resolves to the Prometheus text format 0.0.4. */
  metrics(): Promise<Buffer>;
  /** Returns the number of open connections of a listener. */
  openConnections(listener: ListenerName): number;
  /** Returns true if a connection to a virtual IP would be served now. */
  isReady(): boolean;
}
