import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { DirectorStatus, VnicStatus, WorkerStatus } from "#model/records/status.ts";

/** What the admin API may see of the director. The composition root puts it together. */
export interface DirectorView {
  status(): DirectorStatus;
  workers(): readonly WorkerStatus[];
  vnics(): readonly VnicStatus[];
  /** Failed handshakes, newest first, at most `limit` of them. */
  handshakes(limit: number): readonly HandshakeRecord[];
  /** Prometheus text format 0.0.4. */
  metrics(): Promise<Buffer>;
  /** Whether a connection to a virtual IP would be served now. */
  isReady(): boolean;
}
