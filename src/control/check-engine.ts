import { CIPHER_SUITES } from "#model/tls/cipher-suites.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { resolvePolicy } from "#model/document/policy.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import type { Engine } from "#model/records/status.ts";

const TLS13_SUITES = CIPHER_SUITES.filter(({ version }) => version === "TLSv1.3");

/** Finds policies that engine bun cannot follow: BoringSSL always offers all cipher suites of TLS 1.3. */
export function checkEngine(document: Document, engine: Engine): readonly Problem[] {
  if (engine !== "bun") return [];
  return Object.entries(document.policies).flatMap(([name, policy]) => {
    const { maxVersion, cipherSuites } = resolvePolicy(name, policy);
    if (maxVersion !== "TLSv1.3") return [];
    const leftOut = TLS13_SUITES.filter((suite) => !cipherSuites.includes(suite.name));
    if (leftOut.length === 0) return [];
    const names = leftOut.map((suite) => suite.name).join(" and ");
    const message = `Policy ${name} leaves out ${names}, but engine bun always offers all three suites of TLS 1.3.`;
    return [
      problemOf("engine-lacks-suite-choice", pathOf("policies", name, "cipherSuites"), message),
    ];
  });
}
