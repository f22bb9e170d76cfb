import { createHash } from "node:crypto";
import { getCACertificates } from "node:tls";
import type { MaterialId } from "#model/names.ts";
import { problemOf } from "#model/problem.ts";
import { SourceProblem } from "./read-source.ts";
import type { TrustVersion } from "./sources.ts";

/**
 * The system's CA bundle, from where OpenSSL looks for it: SSL_CERT_FILE and SSL_CERT_DIR, else its own folders. It is read
 * once in the life of the process. Workers get it like any other bundle, since an engine left to itself would trust
 * the CAs that it was built with, whatever the operator has taken out of the system's. Throws SourceProblem.
 */
export function readSystemTrust(place: string): TrustVersion {
  const authorities = new Set(getCACertificates("system").map((pem) => `${pem.trim()}\n`));
  if (authorities.size === 0) {
    throw new SourceProblem(
      problemOf("system-ca-missing", place, "The system has no CA certificates."),
    );
  }
  const caPem = [...authorities].join("");
  return {
    id: createHash("sha256").update(caPem).digest("hex") as MaterialId,
    material: { kind: "trust", caPem, crlPem: undefined },
    files: [],
  };
}
