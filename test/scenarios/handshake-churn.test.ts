import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { churnHandshakes } from "#harness/handshake-churn.ts";

/** A tenth of handshake-churn.long.test.ts, in which engine node's heap just comes to its size. */
const handshakes = 6_000;
/** On a machine that does much else. */
const deadlineMs = 300_000;
const warmUpParts = 2;
/** Of 4,800 handshakes: some 4 KiB and 20 KiB each, less than what a leaked TLS session takes. */
const mostGrowthMib = { bun: 20, node: 96 };

forEachEngine((engine) => {
  describe("after 6,000 full handshakes", () => {
    it(
      "the open files of the worker are back at their base and its memory is bounded",
      { timeout: deadlineMs },
      async (t) => {
        const samples = await churnHandshakes(t, engine, handshakes);
        const warm = Math.max(...samples.slice(1, 1 + warmUpParts));
        const growth = Math.max(...samples.slice(1 + warmUpParts)) - warm;
        assert.ok(growth < mostGrowthMib[engine], `${growth} MiB more`);
      },
    );
  });
});
