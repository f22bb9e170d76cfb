import { isError } from "#model/problem.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import type { SourceEntry } from "./source-entry.ts";
import type { CertificateVersion } from "./sources.ts";

export function certificateStatusOf(
  { source, version, refusals, warnings }: SourceEntry<CertificateVersion>,
  nowMs: number,
): CertificateStatus {
  const [refusal] = refusals;
  const named = { name: source.key, source: "files" } as const;
  if (version === undefined) {
    return { ...named, state: "unusable", problem: refusal?.message ?? "" };
  }
  const inTime = source.problemsAt(version, nowMs);
  const lapse = inTime.find(isError);
  const advice = [...warnings, ...inTime.filter((problem) => !isError(problem))];
  const texts = [...new Set(advice.map(({ message }) => message))];
  const known = {
    ...named,
    facts: version.facts,
    ...(texts.length === 0 ? {} : { warnings: texts }),
  };
  if (lapse !== undefined) {
    const state = lapse.code === "certificate-expired" ? "expired" : "not-yet-valid";
    const newer = refusal === undefined ? "" : ` The new files are refused: ${refusal.message}`;
    return { ...known, state, problem: `${lapse.message}${newer}` };
  }
  return refusal === undefined
    ? { ...known, state: "ok" }
    : { ...known, state: "refused", problem: refusal.message };
}
