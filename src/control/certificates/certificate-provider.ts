import type { Problem } from "#model/failure.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import type { Sources } from "./sources.ts";

/** New versions that are good to use, and are not used yet. */
export interface NewVersions {
  /** Returns the sources in force with the new versions in their place, or without those whose source has changed since. */
  sources(): Sources;
}

/** What the director needs of that which provides certificates and CA bundles. */
export interface CertificateProvider {
  /** The versions that are used. */
  current(): Sources;
  /**
   * The subscriber is called with new versions, and with nothing more until it is done. They are used from then on; if it
   * rejects, those before stay.
   */
  subscribe(subscriber: (news: NewVersions) => Promise<void>): void;
  status(): readonly CertificateStatus[];
  /** Everything that is wrong with the certificates and CA bundles in force. */
  problems(): readonly Problem[];
}
