import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyType } from "./load/terms.ts";

/** The name that every client of the bench asks for and verifies. */
export const benchServerName = "bench.test";

/** A self-signed certificate, in the shapes that the subjects want. */
export interface BenchCertificate {
  readonly chainPath: string;
  readonly keyPath: string;
  /** Chain and key in one file. */
  readonly combinedPath: string;
  readonly chainPem: string;
}

export type BenchCertificates = Readonly<Record<KeyType, BenchCertificate>>;

export function makeBenchCertificates(folder: string): BenchCertificates {
  return {
    ecdsa: makeCertificate(folder, "ecdsa", "ec -pkeyopt ec_paramgen_curve:P-256"),
    rsa: makeCertificate(folder, "rsa", "rsa:2048"),
  };
}

function makeCertificate(folder: string, keyType: KeyType, newKey: string): BenchCertificate {
  const chainPath = join(folder, `bench-${keyType}.pem`);
  const keyPath = join(folder, `bench-${keyType}.key`);
  const combinedPath = join(folder, `bench-${keyType}-combined.pem`);
  execFileSync(
    "openssl",
    [
      ...`req -x509 -newkey ${newKey} -nodes -days 30`.split(" "),
      ...`-subj /CN=bench-${keyType} -addext`.split(" "),
      `subjectAltName=DNS:${benchServerName}`,
      "-keyout",
      keyPath,
      "-out",
      chainPath,
    ],
    { stdio: "pipe" },
  );
  const chainPem = readFileSync(chainPath, "utf8");
  writeFileSync(combinedPath, chainPem + readFileSync(keyPath, "utf8"), { mode: 0o600 });
  return { chainPath, keyPath, combinedPath, chainPem };
}
