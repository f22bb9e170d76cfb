import type { HandshakeFilter, HandshakeGroups } from "#model/records/handshake-groups.ts";
import type { HandshakeGrouping } from "#model/records/outcome.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type {
  DirectorStatus,
  ServerStatus,
  VnicStatus,
  WorkerStatus,
} from "#model/records/status.ts";
import type { HandshakesQuestion } from "./telemetry/telemetry.ts";

/** The state of the director that the admin API shows. */
export interface DirectorView {
  status(): DirectorStatus;
  workers(): readonly WorkerStatus[];
  vnics(): readonly VnicStatus[];
  /** Returns the servers, those that are down first. */
  servers(): readonly ServerStatus[];
  /** Returns failed handshakes, the newest first. */
  handshakes(question: HandshakesQuestion): readonly HandshakeRecord[];
  handshakeGroups(
    by: readonly HandshakeGrouping[],
    filter: HandshakeFilter,
    limit: number,
  ): HandshakeGroups;
  /** Resolves to the Prometheus text format 0.0.4. */
  metrics(): Promise<Buffer>;
  /** Returns the number of open connections of a listener. */
  openConnections(listener: ListenerName): number;
  /** Returns true if a connection to a virtual IP would be served now. */
  isReady(): boolean;
}
