import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { Setup } from "../cases/cases.ts";
import type { Cores } from "../cores.ts";
import type { Endpoint } from "../load-processes.ts";
import { benchServerName, defaultTls, type Target } from "../load/messages.ts";
import { TlsClient } from "../load/tls-client.ts";
import type { BenchProcess, Processes } from "../processes.ts";
import { supportedGroupsOf, type FoundProxy } from "./find-proxies.ts";
import type {
  BenchCertificate,
  BenchCertificates,
  BenchKeyType,
  Configurations,
  SiteListener,
} from "./tls-proxy.ts";

/** A proxy with ten thousand listeners needs a while. */
const startDeadlineMs = 60_000;
const startPollMs = 50;
/** The ports are below those that the system assigns to clients. */
const firstPort = 20_000;
const lastPort = 31_000;
/** A vNIC of the director has at most 1,024 listeners. */
const listenersPerVirtualIp = 1_000;

export interface RunningProxy {
  readonly name: string;
  readonly hasWorkers: boolean;
  readonly process: BenchProcess;
  readonly groups: readonly string[];
  readonly endpointPort: number;
  /** Undefined if the proxy writes no access log. */
  readonly logPath: string | undefined;
  targetOf(keyType: BenchKeyType): Target;
}

/** What all proxies of an invocation have in common. */
export interface Environment {
  readonly processes: Processes;
  readonly cores: Cores;
  /** Every user can read this folder, because some proxies drop root. */
  readonly workFolder: string;
  readonly certificates: BenchCertificates;
  readonly endpoint: Endpoint;
  /** The configurations with which each proxy was first started in each mode, by the name of the proxy. */
  readonly configurations: Map<string, Configurations>;
}

let started = 0;

/** Starts a proxy and waits until it completes a handshake. */
export async function startProxy(
  { proxy, build }: FoundProxy,
  setup: Setup,
  environment: Environment,
): Promise<RunningProxy> {
  const { name, hasWorkers } = proxy;
  const { processes, cores, workFolder, certificates, endpoint, configurations } = environment;
  started += 1;
  const folder = join(workFolder, `${started}-${name.replace("/", "-")}`);
  mkdirSync(folder, { mode: 0o755 });
  const endpointPort = await endpoint.openPort();
  const listeners = placeListeners(name, setup);
  const groups = supportedGroupsOf(build.tlsLibrary);
  const { mode, hasAccessLog, workers, maxConnections } = setup;
  const launch = proxy.prepare({
    ...{ folder, mode, hasAccessLog, listeners, endpointPort, certificates, groups, workers },
    maxConnections,
  });
  const configuration = launch.configuration.replaceAll(workFolder, ".");
  configurations.set(name, { [mode]: configuration, ...configurations.get(name) });
  const { program, args, env } = launch;
  const logPath = hasAccessLog ? join(folder, "access.log") : undefined;
  const process = await processes.start({
    name,
    ...(logPath === undefined ? { program, args } : withOutputTo(logPath, program, args)),
    cores: workers > 1 ? cores.proxyPair : cores.proxy,
    ...(env && { env }),
  });
  const targetOf = (keyType: BenchKeyType): Target => ({
    listeners: listeners.filter((one) => one.keyType === keyType),
    caPem: certificates[keyType].caPem,
  });
  try {
    await waitUntilServing(process, targetOf(defaultTls.keyType));
  } catch (error) {
    await process.stop();
    throw error;
  }
  return { name, hasWorkers, process, groups, endpointPort, logPath, targetOf };
}

/** A program that writes many lines must not wait until the bench reads them. */
function withOutputTo(path: string, program: string, args: readonly string[]) {
  return { program: "sh", args: ["-c", `exec "$0" "$@" >>'${path}'`, program, ...args] };
}

async function waitUntilServing(process: BenchProcess, target: Target): Promise<void> {
  // Some proxies open their listeners one after the other, so the last listener is asked.
  const last = { ...target, listeners: target.listeners.slice(-1) };
  const client = new TlsClient(last, defaultTls);
  const deadlineMs = performance.now() + startDeadlineMs;
  let reason = "";
  while (performance.now() < deadlineMs) {
    await delay(startPollMs);
    if (process.hasExited) throw process.failure("exited while it was starting");
    try {
      (await client.open(() => {})).destroy();
      return;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
      if (error instanceof BenchFailure) throw process.failure(`is not comparable: ${reason}`);
    }
  }
  throw process.failure(`did not serve within ${startDeadlineMs / 1_000} s: ${reason}`);
}

const virtualIps = new Map<string, string>();
let nextPort = firstPort;

/** Each proxy has virtual IPs of its own. Setups that run at the same time have different ports. */
function placeListeners(
  proxyName: string,
  { ecdsaListeners, rsaListeners }: Setup,
): SiteListener[] {
  const count = ecdsaListeners + rsaListeners;
  const portCount = Math.min(count, listenersPerVirtualIp);
  if (nextPort + portCount > lastPort) nextPort = firstPort;
  const basePort = nextPort;
  nextPort += portCount;
  return Array.from({ length: count }, (_, index) => ({
    virtualIp: virtualIpOf(`${proxyName} ${Math.floor(index / listenersPerVirtualIp)}`),
    port: basePort + (index % listenersPerVirtualIp),
    keyType: index < ecdsaListeners ? "ecdsa" : "rsa",
  }));
}

function virtualIpOf(key: string): string {
  const virtualIp = virtualIps.get(key) ?? uniqueVirtualIp();
  virtualIps.set(key, virtualIp);
  return virtualIp;
}

/** Makes a certificate of each key type. Each has a CA of its own, so that a client can tell which one it was shown. */
export async function makeCertificates(folder: string): Promise<BenchCertificates> {
  return {
    ecdsa: await makeCertificate(folder, "ecdsa"),
    rsa: await makeCertificate(folder, "rsa"),
  };
}

async function makeCertificate(folder: string, keyType: BenchKeyType): Promise<BenchCertificate> {
  const ca = await createTestCa(`bench ${keyType} CA`);
  const issued = await ca.issue({ names: [benchServerName], keyType });
  const { chain, key } = await issued.writeTo(folder, keyType);
  const combinedPath = join(folder, `${keyType}-combined.pem`);
  writeFileSync(combinedPath, issued.chainPem + issued.keyPem, { mode: 0o600 });
  return { chainPath: chain, keyPath: key, combinedPath, caPem: ca.certificatePem };
}
