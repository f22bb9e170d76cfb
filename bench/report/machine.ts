import { cpus, loadavg, release } from "node:os";
import type { Machine } from "./bench-result.ts";

export function machineOf(loadCores: number): Machine {
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
