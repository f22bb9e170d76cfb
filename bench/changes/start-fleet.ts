import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fleetDocument, type FleetSize } from "#harness/fleet-document.ts";
import type { Processes } from "../processes.ts";
import type { Variant } from "../proxies/director.ts";
import type { BenchCertificates } from "../proxies/tls-proxy.ts";
import { startDirector, type MeasuredDirector } from "./measured-director.ts";

export interface FleetSite {
  /** The entry of the program. */
  readonly program: string;
  readonly folder: string;
  readonly size: FleetSize;
  readonly port: number;
  readonly endpointPort: number;
  readonly certificates: BenchCertificates;
}

/** Starts a director that serves a fleet. */
export async function startFleet(
  engine: Variant,
  site: FleetSite,
  processes: Processes,
  core: string,
): Promise<MeasuredDirector> {
  const { program, folder, size, port, endpointPort, certificates } = site;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { chainPath, keyPath } = certificates.ecdsa;
  const settings = { port, endpointPort, chain: chainPath, key: keyPath };
  const documentPath = join(folder, "director.yaml");
  // The endpoint is on this machine, and the changes come over the API.
  const director = { endpoints: { allow: ["127.0.0.0/8"] } };
  writeFileSync(
    documentPath,
    JSON.stringify({ director, ...fleetDocument({ ...size, ...settings }) }),
  );
  const plan = { program, engine, folder, documentPath, watches: "control" } as const;
  return startDirector(plan, processes, core);
}
