import type { MaterialId } from "#model/names.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { readMaterial } from "./read-material.ts";
import { sourceProblem } from "./source-problem.ts";
import type { TrustVersion } from "./sources.ts";

/**
 * The system's CA bundle, from where OpenSSL looks for it: SSL_CERT_FILE and SSL_CERT_DIR, else its own folders. Workers get
 * it like any other bundle, since an engine left to itself would trust the CAs that it was built with, whatever the
 * operator has taken out of the system's. Throws SourceProblem.
 */
export async function readSystemTrust(
  place: string,
  reader: MaterialReader,
): Promise<TrustVersion> {
  const { reply, parts } = await readMaterial(reader, { kind: "system-trust" }, [], place);
  if (reply.id === "") {
    throw sourceProblem("system-ca-missing", place, "The system has no CA certificates.");
  }
  const caPem = parts[0]?.toString("latin1") ?? "";
  return {
    id: reply.id as MaterialId,
    material: { kind: "trust", caPem, crlPem: undefined },
    validity: { lists: [] },
  };
}
