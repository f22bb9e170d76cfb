import { isError } from "#model/problem.ts";
import type { CertificateDetail, CertificateUse } from "#model/records/certificate-detail.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { attentionOf } from "./attention.ts";
import type { SourceEntry } from "./source-entry.ts";
import type { CertificateVersion } from "./sources.ts";

type Entry = SourceEntry<CertificateVersion>;

/** Returns whether a certificate can be served at a time, and why not. */
export function certificateStateOf(
  { source, version, refusals }: Entry,
  nowMs: number,
): Pick<CertificateStatus, "state" | "problem"> {
  const [refusal] = refusals;
  if (version === undefined) return { state: "unusable", problem: refusal?.message ?? "" };
  const lapse = source.problemsAt(version, nowMs).find(isError);
  if (lapse !== undefined) {
    const state = lapse.code === "certificate-expired" ? "expired" : "not-yet-valid";
    const newer = refusal === undefined ? "" : ` The new files are refused: ${refusal.message}`;
    return { state, problem: `${lapse.message}${newer}` };
  }
  return refusal === undefined ? { state: "ok" } : { state: "refused", problem: refusal.message };
}

export function certificateStatusOf(
  entry: Entry,
  usedBy: readonly CertificateUse[],
  nowMs: number,
): CertificateStatus {
  const { source, version, refusals, warnings } = entry;
  const advice = version === undefined ? [] : [...warnings, ...source.problemsAt(version, nowMs)];
  const texts = new Set(advice.filter((each) => !isError(each)).map(({ message }) => message));
  return {
    name: source.key,
    source: source.kind,
    ...(version === undefined ? {} : { facts: version.facts }),
    ...certificateStateOf(entry, nowMs),
    ...(texts.size === 0 ? {} : { warnings: [...texts] }),
    attention: attentionOf({ version, refusals, warnings, usedBy }, nowMs),
    uses: usedBy.length,
  };
}

/** Returns the same with the chain and every use. */
export const certificateDetailOf = (
  entry: Entry,
  usedBy: readonly CertificateUse[],
  nowMs: number,
): Omit<CertificateDetail, "traffic" | "versions"> => ({
  ...certificateStatusOf(entry, usedBy, nowMs),
  ...(entry.version === undefined ? {} : { chain: entry.version.chain }),
  usedBy,
});
