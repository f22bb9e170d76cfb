import type { ChangeParts } from "#control/change/apply-change.ts";

/** Proves nothing, for workers that serve nothing. */
export const noProver: ChangeParts["prover"] = {
  warmUp: () => undefined,
  prove: () => Promise.resolve({ shown: [], hidden: [], unproven: [], replaced: [], untried: 0 }),
};
