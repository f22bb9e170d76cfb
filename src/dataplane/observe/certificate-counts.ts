import type { CertificateName } from "#model/names.ts";
import type { CertificateReport } from "#model/records/certificate-report.ts";
import { CERTIFICATE_SLOTS } from "#model/records/metric-catalog.ts";
import type { CertificateFailure } from "#model/records/outcome.ts";

const { newSession, resumedSession, size } = CERTIFICATE_SLOTS;

/**
 * What was counted for each certificate since the last report. A certificate has an entry only if something was counted, so entries of
 * removed certificates need not be found and deleted.
 */
export class CertificateCounts {
  readonly #byName = new Map<CertificateName, number[]>();

  completed(name: CertificateName, isResumed: boolean): void {
    this.#add(name, isResumed ? resumedSession : newSession);
  }

  failed(name: CertificateName, failure: CertificateFailure): void {
    this.#add(name, CERTIFICATE_SLOTS.failure[failure]);
  }

  /** Returns the counts of at most `most` certificates and forgets them, or undefined if there are none. */
  takeChanges(most: number): readonly CertificateReport[] | undefined {
    if (this.#byName.size === 0) return undefined;
    const taken: CertificateReport[] = [];
    for (const [name, counts] of this.#byName) {
      if (taken.length === most) break;
      taken.push({ name, counts });
      this.#byName.delete(name);
    }
    return taken;
  }

  #add(name: CertificateName, slot: number): void {
    let counts = this.#byName.get(name);
    if (counts === undefined) {
      counts = Array.from({ length: size }, () => 0);
      this.#byName.set(name, counts);
    }
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
}
