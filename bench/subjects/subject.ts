import type { BenchCertificates } from "../bench-certificate.ts";
import type { KeyType } from "../load/terms.ts";

/** Something that terminates TLS and is compared. */
export interface Subject {
  readonly name: string;
  /** Debian packages that bring it; none for the director, which is part of this repository. */
  readonly packages: readonly string[];
  /** Where the first of its listeners are. */
  readonly virtualIp: string;
  /** Whether the CPU time of the processes below the root is a figure of its own. */
  readonly hasWorkers: boolean;
  /** Undefined when it is not installed. */
  tryBuild(): SubjectBuild | undefined;
  /** Writes what it needs into the site's folder. */
  prepare(site: Site): Launch;
}

export interface SubjectBuild {
  readonly version: string;
  readonly tlsLibrary: string;
}

/** Where a subject listens and what it serves. */
export interface Site {
  readonly folder: string;
  readonly listeners: readonly SiteListener[];
  /** On 127.0.0.1. */
  readonly endpointPort: number;
  readonly certificates: BenchCertificates;
  /** Key exchange groups that its TLS library knows, best first, by OpenSSL's names. */
  readonly groups: readonly string[];
  readonly workers: number;
  readonly maxConnections: number;
}

export interface SiteListener {
  readonly virtualIp: string;
  readonly port: number;
  readonly keyType: KeyType;
}

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly configuration: string;
  /** Asked before the first connection; a subject without it is ready when it accepts. */
  readonly isReady?: () => Promise<boolean>;
}

export const idleTimeoutS = 300;
