import type { Problem } from "#model/failure.ts";
import { PROBLEMS, type ProblemCode } from "#model/problem.ts";
import { ATTENTION_CODES, type Attention, type AttentionCode } from "#model/records/attention.ts";
import type { CertificateUse } from "#model/records/certificate-detail.ts";
import type { CertificateVersion } from "./sources.ts";
import { versionProblemsAt } from "./version-problems.ts";

/** What attention depends on. */
export interface Judged {
  /** The version in use, or undefined if no version can be used. */
  readonly version: Pick<CertificateVersion, "facts" | "chain" | "isForServers"> | undefined;
  /** Why a newer version, or the only one, is not used. The first problem is the reason. */
  readonly refusals: readonly Problem[];
  /** What the reader warned of when it read the version in use. */
  readonly warnings: readonly Problem[];
  readonly usedBy: readonly Pick<CertificateUse, "shownTo">[];
}

const OF_PROBLEM: Partial<Readonly<Record<string, AttentionCode>>> = {
  "certificate-expired": "expired",
  "certificate-expiring": "expiring",
  "certificate-not-yet-valid": "not-yet-valid",
  "last-good-served": "last-good-served",
  "key-costly": "key-costly",
  "chain-incomplete": "chain-incomplete",
  "chain-order": "chain-order",
  "intermediate-expired": "intermediate-expired",
  "root-in-chain": "root-in-chain",
  "validity-too-long": "validity-too-long",
  "key-usage": "key-usage",
  "chain-large": "chain-large",
  "pem-not-used": "pem-not-used",
} satisfies Partial<Record<ProblemCode, AttentionCode>>;

/** The refusals that the engine of the workers is the reason for. */
const ENGINE_REFUSALS: ReadonlySet<string> = new Set<ProblemCode>([
  "engine-lacks-key",
  "certificate-unusable",
]);

/** Returns why a certificate needs attention at a time, the most urgent reason first. */
export function attentionOf(judged: Judged, nowMs: number): readonly Attention[] {
  const { version, warnings } = judged;
  const inTime = version === undefined ? [] : versionProblemsAt(version, "", nowMs);
  const found = [
    ...[...inTime, ...warnings].flatMap(attentionToProblem),
    ...attentionToRefusal(judged),
    ...attentionToUse(judged),
  ];
  const distinct = new Map(found.map((one) => [`${one.code} ${one.message}`, one]));
  return inOrder([...distinct.values()]);
}

/** Returns the most urgent reason first. */
export const inOrder = (reasons: readonly Attention[]): readonly Attention[] =>
  reasons.toSorted((one, other) => rankOf(one.code) - rankOf(other.code));

const rankOf = (code: AttentionCode): number => ATTENTION_CODES.indexOf(code);

function attentionToProblem({ code, message, hint }: Problem): readonly Attention[] {
  const own = OF_PROBLEM[code];
  return own === undefined ? [] : [{ code: own, message, hint }];
}

function attentionToRefusal({ version, refusals }: Judged): readonly Attention[] {
  const [refusal] = refusals;
  if (refusal === undefined) return [];
  const { code, message, hint } = refusal;
  const served =
    version === undefined ? "No version of it can be served." : "The previous version is served.";
  const refused: Attention = { code: "refused", message: `${message} ${served}`, hint };
  if (!ENGINE_REFUSALS.has(code)) return [refused];
  return [refused, { code: "not-servable", message, hint }];
}

function attentionToUse({ version, usedBy }: Judged): readonly Attention[] {
  if (usedBy.length === 0) {
    const message = "No listener uses it, neither for clients nor for endpoints.";
    return [{ code: "unused", message, hint: PROBLEMS["unused-certificate"].hint }];
  }
  const isShown = usedBy.some(({ shownTo }) => shownTo === "clients");
  if (version === undefined || version.isForServers || !isShown) return [];
  const message = "Its extended key usage lacks serverAuth, so clients refuse it.";
  return [{ code: "key-usage", message, hint: PROBLEMS["key-usage"].hint }];
}
