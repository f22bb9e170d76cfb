import type { CertificateTraffic } from "#model/records/certificate-detail.ts";
import type { CertificateReport } from "#model/records/certificate-report.ts";
import { CERTIFICATE_METRICS, CERTIFICATE_SLOTS } from "#model/records/metric-catalog.ts";
import { CERTIFICATE_FAILURE_NAMES } from "#model/records/outcome.ts";
import { labelsText, metricsText } from "./metrics-text.ts";

/** Together with `OTHER`, the label has at most 1,000 values. */
const MAX_NAMED = 999;
/** A certificate of this name is counted with the others, because a series must not occur twice. */
const OTHER = "other";

const FIRST_FAILURE = CERTIFICATE_SLOTS.size - CERTIFICATE_FAILURE_NAMES.length;

/** What all workers have counted for one certificate. */
interface Counted {
  /** As laid out by `CERTIFICATE_SLOTS`. */
  readonly counts: Float64Array;
  lastUseMs: number;
}

/** The counts of all workers for each certificate with traffic. */
export class CertificateTotals {
  readonly #nowMs: () => number;
  readonly #byName = new Map<string, Counted>();
  #named = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The control process has checked that the certificates were sent to the worker. */
  add(reports: readonly CertificateReport[]): void {
    const nowMs = this.#nowMs();
    for (const { name, counts } of reports) {
      const counted = this.#countedOf(name);
      for (const [slot, amount] of counts.entries()) {
        counted.counts[slot] = (counted.counts[slot] ?? 0) + amount;
      }
      counted.lastUseMs = nowMs;
    }
  }

  /** Forgets the certificates that the document does not have any more. */
  keepOnly(isInForce: (name: string) => boolean): void {
    for (const name of this.#byName.keys()) {
      if (name === OTHER || isInForce(name)) continue;
      this.#byName.delete(name);
      this.#named -= 1;
    }
  }

  entries(): Iterable<readonly [name: string, counted: Readonly<Counted>]> {
    return this.#byName.entries();
  }

  trafficOf(name: string): CertificateTraffic | undefined {
    const counted = name === OTHER ? undefined : this.#byName.get(name);
    if (counted === undefined) return undefined;
    const { counts, lastUseMs } = counted;
    const failures = CERTIFICATE_FAILURE_NAMES.flatMap((failure) => {
      const count = counts[CERTIFICATE_SLOTS.failure[failure]] ?? 0;
      return count === 0 ? [] : [[failure, count] as const];
    });
    return {
      newHandshakes: counts[CERTIFICATE_SLOTS.newSession] ?? 0,
      resumedHandshakes: counts[CERTIFICATE_SLOTS.resumedSession] ?? 0,
      failures: Object.fromEntries(failures),
      lastUseAt: new Date(lastUseMs).toISOString(),
    };
  }

  #countedOf(name: string): Counted {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const isNamed = name !== OTHER && this.#named < MAX_NAMED;
    const key = isNamed ? name : OTHER;
    let counted = this.#byName.get(key);
    if (counted === undefined) {
      counted = { counts: new Float64Array(CERTIFICATE_SLOTS.size), lastUseMs: 0 };
      this.#byName.set(key, counted);
      if (isNamed) this.#named += 1;
    }
    return counted;
  }
}

type CertificateMetric = (typeof CERTIFICATE_METRICS)[number];

const VALUES: Readonly<
  Record<CertificateMetric["name"], (counted: Readonly<Counted>) => Readonly<ArrayLike<number>>>
> = {
  tlsd_certificate_handshakes_total: ({ counts }) => counts.subarray(0, FIRST_FAILURE),
  tlsd_certificate_failures_total: ({ counts }) => counts.subarray(FIRST_FAILURE),
  tlsd_certificate_last_use_seconds: ({ lastUseMs }) => [Math.floor(lastUseMs / 1_000)],
};

/** Returns the metrics by certificate. */
export function certificateMetricsText(
  entries: ReturnType<CertificateTotals["entries"]>,
): Promise<readonly Buffer[]> {
  const series = Array.from(entries, ([certificate, counted]) => ({
    labels: labelsText({ certificate }),
    valuesOf: ({ name }: CertificateMetric) => VALUES[name](counted),
  }));
  return metricsText(CERTIFICATE_METRICS, series);
}
