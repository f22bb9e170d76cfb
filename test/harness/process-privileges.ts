import { readFileSync } from "node:fs";
import { statusFieldOf } from "./process-facts.ts";

/** The privileges in /proc/PID/status. See proc(5) and capabilities(7). */
export interface ProcessPrivileges {
  /** The real, effective, saved and file system ids. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  /** Sets of capabilities as numbers, e.g. 10 for CAP_NET_BIND_SERVICE. */
  readonly effective: readonly number[];
  readonly permitted: readonly number[];
  readonly bounding: readonly number[];
  readonly hasNoNewPrivileges: boolean;
}

export function privilegesOf(pid: number): ProcessPrivileges {
  const valueOf = (field: string): string => statusFieldOf(pid, field);
  const numbersOf = (field: string): readonly number[] =>
    valueOf(field)
      .split(/\s+/)
      .filter((text) => text !== "")
      .map(Number);
  const bitsOf = (field: string): readonly number[] => {
    const set = BigInt(`0x${valueOf(field)}`);
    return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (set >> BigInt(bit)) & 1n);
  };
  return {
    uids: numbersOf("Uid"),
    gids: numbersOf("Gid"),
    groups: numbersOf("Groups"),
    effective: bitsOf("CapEff"),
    permitted: bitsOf("CapPrm"),
    bounding: bitsOf("CapBnd"),
    hasNoNewPrivileges: valueOf("NoNewPrivs") === "1",
  };
}

/** Returns the environment at the start of the process. Later changes are not visible. */
export function environmentOf(pid: number): Readonly<Record<string, string>> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return Object.fromEntries(
    entries.filter((entry) => entry !== "").map((entry) => entry.split(/=(.*)/s).slice(0, 2)),
  );
}
