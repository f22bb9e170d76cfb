import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { virtualIpOf } from "#harness/fleet-document.ts";
import { isAlive } from "#harness/process-facts.ts";
import { outputOf } from "../proxies/tls-proxy.ts";
import type { FleetSite } from "./start-fleet.ts";

const run = promisify(execFile);

/**
 * Returns how long HAProxy takes to start with as many listeners, and to change one of them by a reload. The new process then has
 * read its whole configuration and opened its sockets, and the old one has been told to leave. Returns undefined if HAProxy is not
 * installed.
 */
export async function reloadHaproxy(
  site: FleetSite,
  runs: number,
): Promise<{ readonly startMs: number; readonly reloadsMs: readonly number[] } | undefined> {
  if (outputOf("haproxy", ["-v"]) === undefined) return undefined;
  const path = join(site.folder, "haproxy.cfg");
  const pidPath = join(site.folder, "haproxy.pid");
  const start = async (to: number, old?: number): Promise<number> => {
    writeFileSync(path, configurationOf(site, to));
    const startedMs = performance.now();
    const args = ["-D", "-f", path, "-p", pidPath];
    await run("haproxy", old === undefined ? args : [...args, "-sf", String(old)]);
    return performance.now() - startedMs;
  };
  const pid = (): number => Number(readFileSync(pidPath, "utf8").trim());
  const startMs = await start(site.endpointPort);
  const reloadsMs: number[] = [];
  try {
    for (let at = 1; at <= runs; at += 1) {
      reloadsMs.push(await start(site.endpointPort + (at % 2), pid()));
    }
  } finally {
    if (isAlive(pid())) process.kill(pid(), "SIGKILL");
  }
  return { startMs, reloadsMs };
}

/** One frontend and one backend for each vNIC. `to` is the port of the first backend. */
function configurationOf(
  { size, port, endpointPort, certificates, folder }: FleetSite,
  to: number,
): string {
  const { chainPath, keyPath } = certificates.ecdsa;
  const bundle = join(folder, "haproxy.pem");
  writeFileSync(bundle, readFileSync(chainPath, "utf8") + readFileSync(keyPath, "utf8"), {
    mode: 0o600,
  });
  const proxies = Array.from({ length: size.vnics }, (_, at) => [
    `frontend f${at}`,
    `  bind ${virtualIpOf(at)}:${port} ssl crt ${bundle}`,
    `  default_backend b${at}`,
    `backend b${at}`,
    `  server web 127.0.0.1:${at === 0 ? to : endpointPort}`,
  ]);
  const head = [
    "global",
    "  nbthread 1",
    "  maxconn 2000",
    "defaults",
    "  mode tcp",
    "  timeout connect 5s",
    "  timeout client 300s",
    "  timeout server 300s",
  ];
  return `${[...head, ...proxies.flat()].join("\n")}\n`;
}
