import type { CertificateFacts } from "#model/document/certificate.ts";
import type { Problem } from "#model/failure.ts";
import { tryWildcardOf } from "#model/tls/server-name.ts";
import { problemOf, type ProblemCode } from "#model/problem.ts";

/** What a rotation may make worse. */
export interface RotationAllowances {
  readonly allowsFewerNames: boolean;
  readonly allowsOtherKeyType: boolean;
  readonly allowsWeakerKey: boolean;
}

/** How many names a message lists. */
const MAX_NAMED = 5;

/**
 * Returns what clients lose if `after` is served in place of `before`. What is allowed is a warning, and everything else is an error.
 */
export function rotationProblems(
  before: CertificateFacts,
  after: CertificateFacts,
  place: string,
  { allowsFewerNames, allowsOtherKeyType, allowsWeakerKey }: RotationAllowances,
): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: ProblemCode, message: string, isAllowed: boolean): void => {
    const problem = problemOf(code, place, message);
    problems.push(isAllowed ? { ...problem, severity: "warning" } : problem);
  };
  const lost = namesNotCovered(before.names, after.names);
  if (lost.length > 0) {
    const rest = lost.length > MAX_NAMED ? ` and ${lost.length - MAX_NAMED} more` : "";
    const list = `${lost.slice(0, MAX_NAMED).join(", ")}${rest}`;
    add("fewer-names", `The new version does not cover ${list}.`, allowsFewerNames);
  }
  if (after.keyType !== before.keyType) {
    const message = `The new version has a key of type ${after.keyType}, and the active one of type ${before.keyType}.`;
    add("other-key-type", message, allowsOtherKeyType);
  }
  if (strengthOf(after) < strengthOf(before)) {
    const message = `The key of the new version (${keyText(after)}) is weaker than that of the active one (${keyText(before)}).`;
    add("weaker-key", message, allowsWeakerKey);
  }
  if (after.notAfterMs < before.notAfterMs) {
    const message = "The new version expires before the active one.";
    add("expires-earlier", message, true);
  }
  return problems;
}

/** Returns the names for which a certificate with the names `after` is not served. */
export function namesNotCovered(
  before: readonly string[],
  after: readonly string[],
): readonly string[] {
  const names = new Set(after);
  return before.filter((name) => !names.has(name) && !names.has(tryWildcardOf(name) ?? name));
}

const keyText = ({ keyType, keySize, curve }: CertificateFacts): string =>
  curve ?? (keyType === "rsa" ? `RSA-${keySize}` : keyType);

/** Bits of security (NIST SP 800-57 part 1, table 2). Between the rows of the table, those of RSA grow with the length. */
function strengthOf({ keyType, keySize }: CertificateFacts): number {
  if (keyType !== "rsa") return keyType === "ed25519" ? 128 : keySize / 2;
  const row = RSA_ROWS.findLast(([bits]) => keySize >= bits);
  return row?.[1] ?? 0;
}

const RSA_ROWS: readonly (readonly [bits: number, strength: number])[] = [
  [1_024, 80],
  [2_048, 112],
  [3_072, 128],
  [4_096, 140],
  [7_680, 192],
  [15_360, 256],
];
