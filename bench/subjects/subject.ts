import type { BenchCertificate } from "../bench-certificate.ts";

/** Something that terminates TLS and is compared. */
export interface Subject {
  readonly name: string;
  /** Debian packages that bring it; none for the director, which is part of this repository. */
  readonly packages: readonly string[];
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
  readonly virtualIp: string;
  readonly port: number;
  /** On 127.0.0.1. */
  readonly endpointPort: number;
  readonly certificate: BenchCertificate;
}

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly configuration: string;
  /** Asked before the first connection; a subject without it is ready when it accepts. */
  readonly isReady?: () => Promise<boolean>;
}

/** One policy for all: what each subject is told to allow, in OpenSSL's names. */
export const benchPolicy = {
  version: "TLSv1.3",
  suite: "TLS_AES_128_GCM_SHA256",
  group: "X25519",
} as const;

/** Above what the memory case opens, and with two files a connection below the usual limit of open files. */
export const maxConnections = 6_000;

export const idleTimeoutS = 300;
