import type { MaterialId } from "#model/names.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { readMaterial } from "./read-material.ts";
import { sourceProblem } from "./source-problem.ts";
import type { TrustVersion } from "./sources.ts";

/**
 * Reads the CA bundle of the system from where OpenSSL looks for it: SSL_CERT_FILE and SSL_CERT_DIR, or its default folders.
 * Workers get it like any other bundle. By default an engine would trust the CAs that it was built with, also those that the
 * operator has removed from the system. Throws SourceProblem.
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
    validity: { authorities: [], lists: [] },
  };
}
