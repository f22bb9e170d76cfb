import { spawnSync } from "node:child_process";
import type { KeyType } from "#harness/test-keys.ts";

/** What proxies do: relay the bytes of a connection, or the requests on it. With `h2`, clients are offered HTTP/2. */
export type BenchMode = "tcp" | "http" | "h2";

/** The idle timeout of all proxies. */
export const idleTimeoutS = 300;
/** How many idle connections to the endpoint a proxy keeps: more than the requests that wait for an answer at a time. */
export const pooledConnections = 200;

export type Configurations = Partial<Readonly<Record<BenchMode, string>>>;

/** A program that terminates TLS and is measured. */
export interface TlsProxy {
  readonly name: string;
  /** The Debian packages that contain it. Empty for the director. */
  readonly packages: readonly string[];
  readonly modes: readonly BenchMode[];
  /** The CPU time of its worker processes is also reported without that of the root process. */
  readonly hasWorkers: boolean;
  /** Returns undefined if the program is not installed. */
  findBuild(): ProxyBuild | undefined;
  /** Writes the configuration into the folder of `site`. */
  prepare(site: Site): Launch;
}

export interface ProxyBuild {
  readonly version: string;
  readonly tlsLibrary: string;
}

/**
 * What a proxy is configured with. In modes http and h2, each proxy tells the endpoint the address of the client, the protocol, the
 * port and the host that the client has asked for, and an id of the request, as the director does by default. Connections to the
 * endpoint are used again.
 */
export interface Site {
  readonly folder: string;
  readonly mode: BenchMode;
  /** Whether to write an access log: to standard output, which is a file, or to `access.log` in the folder. */
  readonly hasAccessLog: boolean;
  readonly listeners: readonly SiteListener[];
  /** A port on 127.0.0.1. */
  readonly endpointPort: number;
  readonly certificates: BenchCertificates;
  /** OpenSSL names of the key exchange groups that the proxy supports, most preferred first. */
  readonly groups: readonly string[];
  readonly workers: number;
  readonly maxConnections: number;
}

export interface SiteListener {
  readonly virtualIp: string;
  readonly port: number;
  readonly keyType: BenchKeyType;
}

export interface BenchCertificate {
  readonly chainPath: string;
  readonly keyPath: string;
  /** A file with chain and key. */
  readonly combinedPath: string;
  readonly caPem: string;
}
/** The key types of the certificates that proxies serve. */
export type BenchKeyType = Extract<KeyType, "ecdsa" | "rsa">;

export type BenchCertificates = Readonly<Record<BenchKeyType, BenchCertificate>>;

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly configuration: string;
}

/** Returns what a program prints on both outputs, or undefined if the program does not start. */
export function outputOf(program: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 10_000 });
  return error === undefined ? stdout + stderr : undefined;
}
