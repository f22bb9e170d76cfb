import { cpus, loadavg, release } from "node:os";
import type { BenchCase } from "../cases/cases.ts";
import type { Configurations, ProxyBuild } from "../proxies/tls-proxy.ts";

/** What one invocation measured, as it is written to bench/results. */
export interface BenchResult {
  readonly date: string;
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly proxies: readonly ProxyResult[];
  readonly cases: readonly CaseResult[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  /** Average of the minute before the start. It is near 0 if the machine did nothing else. */
  readonly loadAverage: number;
  readonly loadRuntime: string;
  /** How many of the cores load and endpoint use. */
  readonly loadCores: number;
}

export interface ProxyResult extends ProxyBuild {
  readonly name: string;
  /** The first configuration of each mode. Paths are relative to a temporary folder. */
  readonly configurations: Configurations;
}

export interface CaseResult {
  readonly case: BenchCase;
  /** Empty if the case failed. */
  readonly figures: readonly Figure[];
  /** The proxies that were not measured because their TLS library does not support the key exchange group of the case. */
  readonly unsupported: readonly string[];
  /** Why the case has no figures. */
  readonly error?: string;
  readonly note?: string;
}

/** The runs of one proxy in one case, in the unit of the case. */
export interface Figure {
  readonly proxy: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Median divided by the median of HAProxy in the same invocation. Absent if HAProxy was not measured. */
  readonly ratio?: number;
  readonly runs: readonly Measurement[];
}

/** The figure of one run, in the unit of the case. */
export interface Measurement {
  readonly value: number;
  /** The part that the processes below the root process used. */
  readonly workers?: number;
  /** Share of the run during which the proxy used its core. If it is far below 1, the load was the limit. */
  readonly busy?: number;
  /** Share of the handshakes that resumed a session, if both kinds are allowed. */
  readonly resumed?: number;
  /** Share of the operations that have a line in the access log. */
  readonly logged?: number;
  /** For latency, this is the 99th percentile of how late the load sent its requests. */
  readonly lateP99Us?: number;
}

export const referenceProxy = "haproxy";

export function figuresOf(
  measured: readonly (readonly [proxy: string, runs: readonly Measurement[]])[],
): Figure[] {
  const medians = new Map(
    measured.map(([proxy, runs]) => [proxy, medianOf(runs.map(({ value }) => value))]),
  );
  const reference = medians.get(referenceProxy);
  return measured.map(([proxy, runs]) => {
    const values = runs.map(({ value }) => value);
    const median = medianOf(values);
    return {
      ...{ proxy, median, min: Math.min(...values), max: Math.max(...values) },
      ...(reference !== undefined && { ratio: median / reference }),
      runs,
    };
  });
}

/** Returns NaN if there are no values. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

export const valueText = (value: number, { decimals, unit }: BenchCase): string =>
  `${value.toFixed(decimals)} ${unit}`;

export function describeMachine(loadCores: number): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown processor",
    cores: all.length,
    kernel: release(),
    loadAverage: loadavg()[0] ?? 0,
    loadRuntime: `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`,
    loadCores,
  };
}
