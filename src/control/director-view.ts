import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type { HandshakeFilter, HandshakeGroups } from "#model/records/handshake-groups.ts";
import type { HandshakeGrouping } from "#model/records/outcome.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ListenerName, VnicName } from "#model/names.ts";
import type {
  CertificateStatus,
  DirectorStatus,
  ProfileStatus,
  ServerStatus,
  VnicStatus,
  WorkerStatus,
} from "#model/records/status.ts";
import type { HandshakesQuestion } from "./telemetry/telemetry.ts";

/** The state of the director that the admin API shows. */
export interface DirectorView {
  /** Returns what `status` says as `state`, without the rest. */
  state(): DirectorStatus["state"];
  status(): DirectorStatus;
  workers(): readonly WorkerStatus[];
  /** Returns the vNICs that are wanted. Of a large fleet, it takes long to compute all. */
  vnics(isWanted: (name: VnicName) => boolean): readonly VnicStatus[];
  servers(): readonly ServerStatus[];
  profiles(): readonly ProfileStatus[];
  certificates(): readonly CertificateStatus[];
  /** Returns undefined if the document has no such certificate. */
  certificate(name: string): Promise<CertificateDetail | undefined>;
  /** Returns failed handshakes, the newest first. */
  handshakes(question: HandshakesQuestion): readonly HandshakeRecord[];
  handshakeGroups(
    by: readonly HandshakeGrouping[],
    filter: HandshakeFilter,
    limit: number,
  ): HandshakeGroups;
  /** Resolves to the Prometheus text format 0.0.4, in pieces. */
  metrics(): Promise<readonly Buffer[]>;
  /** Returns the number of open connections of a listener. */
  fullHandshakes(listener: ListenerName): number;
  openConnections(listener: ListenerName): number;
  /** Returns true if a connection to a virtual IP would be served now. */
  isReady(): boolean;
}
