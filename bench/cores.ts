import { spawnSync } from "node:child_process";
import { statusFieldOf } from "#harness/process-facts.ts";
import { BenchFailure } from "./bench-failure.ts";

/** Core lists in the notation of taskset(1). */
export interface Cores {
  /** The core of the proxy that is measured. Nothing else runs on it. */
  readonly proxy: string;
  /** The cores of a proxy with two workers. With too few cores, this is the one core of the proxy. */
  readonly proxyPair: string;
  /** The cores of the loads, the endpoint and the bench itself. */
  readonly load: string;
  readonly loadCount: number;
}

/** With at least this many cores, the second one is reserved for the second worker. */
const coresWithPair = 4;

/** Divides the cores that this process may use, and moves this process to those of the load. */
export function reserveCores(): Cores {
  const allowed = parseCoreList(statusFieldOf("self", "Cpus_allowed_list"));
  const cores = divideCores(allowed);
  const { error } = spawnSync("taskset", ["-acp", cores.load, String(process.pid)]);
  if (error !== undefined) {
    throw new BenchFailure("The bench needs taskset and setpriv: install the package util-linux.");
  }
  return cores;
}

export function divideCores(allowed: readonly number[]): Cores {
  const [first, second] = allowed;
  if (first === undefined || second === undefined) {
    throw new BenchFailure(
      "The bench needs at least two CPU cores: one for the proxy, the others for load and endpoint.",
    );
  }
  const hasPair = allowed.length >= coresWithPair;
  const load = allowed.slice(hasPair ? 2 : 1);
  return {
    proxy: String(first),
    proxyPair: hasPair ? `${first},${second}` : String(first),
    load: load.join(","),
    loadCount: load.length,
  };
}

export function parseCoreList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    if (Number.isNaN(first)) return [];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
