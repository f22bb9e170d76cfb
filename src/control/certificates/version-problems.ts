import type { CertificateFacts, ChainFacts } from "#model/document/certificate.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { costlyKeyText } from "./signature-cost.ts";
import type { CertificateVersion } from "./sources.ts";
import { validityLimitDaysAt } from "./validity-limit.ts";
import { certificateProblemsAt } from "./validity.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Returns everything that the facts of a version give reason to say at a time. Errors mean that it is not valid then. */
export const versionProblemsAt = (
  version: Pick<CertificateVersion, "facts" | "chain">,
  place: string,
  nowMs: number,
): readonly Problem[] => [
  ...certificateProblemsAt(version, place, nowMs),
  ...keyProblems(version.facts, place),
  ...chainProblems(version.chain, place),
  ...lengthProblems(version, place),
];

function keyProblems(facts: CertificateFacts, place: string): readonly Problem[] {
  const text = costlyKeyText(facts);
  return text === undefined ? [] : [problemOf("key-costly", place, text)];
}

function chainProblems(
  { certificates, brokenAt, lacksIssuer }: ChainFacts,
  place: string,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (lacksIssuer !== undefined) {
    const message = `The chain ends before ${lacksIssuer}, which is not a root that this machine knows. Clients that do not have its certificate refuse the chain.`;
    problems.push(problemOf("chain-incomplete", place, message));
  }
  if (brokenAt !== undefined) {
    const message = `Certificate ${brokenAt + 1} of the chain did not issue certificate ${brokenAt}.`;
    problems.push(problemOf("chain-order", place, message));
  }
  // A certificate without a CA has signed itself, and is not sent in vain.
  const root = certificates.find(({ isSelfSigned }, at) => at > 0 && isSelfSigned);
  if (root !== undefined) {
    const message = `The chain contains the root ${root.subject}, which every full handshake sends in vain.`;
    problems.push(problemOf("root-in-chain", place, message));
  }
  return problems;
}

function lengthProblems(
  {
    facts: { notBeforeMs, notAfterMs },
    chain: { isPublic },
  }: Pick<CertificateVersion, "facts" | "chain">,
  place: string,
): readonly Problem[] {
  const limitDays = validityLimitDaysAt(notBeforeMs);
  const days = (notAfterMs - notBeforeMs) / DAY_MS;
  if (!isPublic || days <= limitDays) return [];
  const message = `The certificate is valid for ${Math.ceil(days)} days. A public CA may issue it for at most ${limitDays} days.`;
  return [problemOf("validity-too-long", place, message)];
}
