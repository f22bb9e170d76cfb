import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAlive, memoryOf } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import { outputOf } from "../proxies/tls-proxy.ts";
import type { CertificateSite } from "./certificate-site.ts";

const run = promisify(execFile);
const commits = 10;
const socketDeadlineMs = 10_000;

export interface HaproxyCertificates {
  readonly startMs: number;
  readonly memoryMiB: number;
  /** `set ssl cert` and `commit ssl cert`. */
  readonly commitsMs: readonly number[];
}

/**
 * Measures HAProxy with the same certificates in a crt-list, and how long it takes to replace one over its socket. Returns undefined
 * if HAProxy is not installed.
 */
export async function commitHaproxy(
  site: CertificateSite,
  core: string,
): Promise<HaproxyCertificates | undefined> {
  if (outputOf("haproxy", ["-v"]) === undefined) return undefined;
  const { folder } = site.options;
  const path = join(folder, "haproxy.cfg");
  const pidPath = join(folder, "haproxy.pid");
  const socketPath = join(folder, "haproxy.sock");
  writeFileSync(path, configurationOf(site, socketPath));
  const startedMs = performance.now();
  await run("taskset", ["-c", core, "haproxy", "-D", "-f", path, "-p", pidPath]);
  const startMs = performance.now() - startedMs;
  const pid = Number(readFileSync(pidPath, "utf8").trim());
  try {
    const commitsMs: number[] = [];
    for (let at = 1; at <= commits; at += 1) commitsMs.push(await commit(site, at, socketPath));
    return { startMs, commitsMs, memoryMiB: memoryOf(pid).pssBytes / 2 ** 20 };
  } finally {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
}

async function commit(site: CertificateSite, at: number, socketPath: string): Promise<number> {
  const { chainPem, keyPem } = await site.issue(at);
  const name = site.bothPathOf(at);
  // An empty line ends the contents.
  const pem = (chainPem + keyPem).replaceAll(/\n+/g, "\n");
  const startedMs = performance.now();
  await command(socketPath, `set ssl cert ${name} <<\n${pem}\n`);
  const answer = await command(socketPath, `commit ssl cert ${name}\n`);
  if (!answer.includes("Success")) throw new BenchFailure(`HAProxy answered: ${answer.trim()}`);
  return performance.now() - startedMs;
}

async function command(socketPath: string, text: string): Promise<string> {
  const socket = connect(socketPath).setEncoding("utf8");
  let answer = "";
  socket.on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.write(text);
  await once(socket, "close", { signal: AbortSignal.timeout(socketDeadlineMs) });
  return answer;
}

function configurationOf(site: CertificateSite, socketPath: string): string {
  const { virtualIp, port, endpointPort } = site.options;
  return [
    "global",
    "  nbthread 1",
    "  maxconn 2000",
    `  stats socket ${socketPath} mode 600 level admin`,
    "defaults",
    "  mode tcp",
    "  timeout connect 5s",
    "  timeout client 300s",
    "  timeout server 300s",
    "frontend sites",
    `  bind ${virtualIp}:${port} ssl crt-list ${site.crtListPath}`,
    "  default_backend web",
    "backend web",
    `  server web 127.0.0.1:${endpointPort}`,
    "",
  ].join("\n");
}
