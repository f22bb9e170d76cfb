import type { BenchCase } from "../cases/bench-case.ts";
import { bulkCases, handshakeCases, requestCases } from "../cases/main-cases.ts";

export const profileLoadNames = ["handshakes", "requests", "bulk"] as const;
export type ProfileLoadName = (typeof profileLoadNames)[number];

const casesOf: Record<ProfileLoadName, readonly BenchCase[]> = {
  handshakes: handshakeCases,
  requests: requestCases,
  bulk: bulkCases,
};

/** The first case of each family, long enough for the sampler to see something. */
export function profileCaseOf(name: ProfileLoadName): BenchCase {
  const [first] = casesOf[name];
  if (first === undefined) {
    throw new TypeError(`${name} has no case.`);
  }
  return { ...first, operations: first.operations * 2 };
}
