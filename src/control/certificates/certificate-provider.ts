import type { Problem } from "#model/failure.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import type { Sources } from "./sources.ts";

/** New versions that have passed every check and are not used yet. */
export interface NewVersions {
  /** Returns the sources in force with the new versions. A new version is left out if its source has changed meanwhile. */
  sources(): Sources;
}

/** Provides certificates and CA bundles to the director. */
export interface CertificateProvider {
  /** The versions that are used. */
  current(): Sources;
  /**
   * Calls the subscriber with new versions, one call at a time. If the subscriber resolves, the new versions are in use. If
   * it rejects, the previous versions stay in use.
   */
  subscribe(subscriber: (news: NewVersions) => Promise<void>): void;
  status(): readonly CertificateStatus[];
  /** Returns the problems of all certificates and CA bundles in force. */
  problems(): readonly Problem[];
}
