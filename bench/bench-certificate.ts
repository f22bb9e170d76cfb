import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The name that every client of the bench asks for and verifies. */
export const benchServerName = "bench.test";

/** One self-signed ECDSA P-256 certificate, in the shapes that the subjects want. */
export interface BenchCertificate {
  readonly chainPath: string;
  readonly keyPath: string;
  /** Chain and key in one file. */
  readonly combinedPath: string;
  readonly chainPem: string;
}

export function makeBenchCertificate(folder: string): BenchCertificate {
  const chainPath = join(folder, "bench.pem");
  const keyPath = join(folder, "bench.key");
  const combinedPath = join(folder, "bench-combined.pem");
  execFileSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30".split(" "),
      ..."-subj /CN=bench -addext".split(" "),
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
