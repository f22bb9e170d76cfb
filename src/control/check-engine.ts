import { CIPHER_SUITES } from "#model/tls/cipher-suites.ts";
import type { Document } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import { resolvePolicy } from "#model/document/policy.ts";
import { pathOf } from "#model/problem.ts";
import type { Sources } from "./certificates/sources.ts";
import type { Engine } from "#model/records/status.ts";

const TLS13_SUITES = CIPHER_SUITES.filter(({ version }) => version === "TLSv1.3");

/**
 * Refuses what the engine would not keep or take: BoringSSL offers all TLS 1.3 suites, whichever it is told, and its
 * refusal of a certificate does not say why. Throws DirectorError.
 */
export function checkEngine(document: Document, sources: Sources, engine: Engine): void {
  if (engine !== "bun") return;
  for (const [name, { bunRefusal }] of sources.certificates) {
    if (bunRefusal === undefined) continue;
    throw new DirectorError("engine-lacks-key", `Certificate ${name} has ${bunRefusal}.`, {
      path: pathOf("certificates", name),
    });
  }
  for (const [name, policy] of Object.entries(document.policies)) {
    const { maxVersion, cipherSuites } = resolvePolicy(name, policy);
    if (maxVersion !== "TLSv1.3") continue;
    const leftOut = TLS13_SUITES.filter((suite) => !cipherSuites.includes(suite.name));
    if (leftOut.length === 0) continue;
    const names = leftOut.map((suite) => suite.name).join(" and ");
    throw new DirectorError("engine-lacks-suite-choice", `Policy ${name} leaves out ${names}.`, {
      path: pathOf("policies", name, "cipherSuites"),
    });
  }
}
