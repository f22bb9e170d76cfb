import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { churnHandshakes } from "#harness/handshake-churn.ts";

const handshakes = 60_000;
/** Tenths of the handshakes in which heap and caches come to their size. */
const warmUpParts = 2;
/** The heap breathes by some 20 MiB on engine node; 48,000 handshakes that each leaked 700 bytes would be more. */
const mostGrowthMib = 32;

forEachEngine((engine) => {
  describe("after 60,000 full handshakes", () => {
    it("the open files of the worker are back at their base and its memory is flat", async (t) => {
      const samples = await churnHandshakes(t, engine, handshakes);
      const warm = Math.max(...samples.slice(1, 1 + warmUpParts));
      const growth = Math.max(...samples.slice(1 + warmUpParts)) - warm;
      assert.ok(growth < mostGrowthMib, `${growth} MiB more than after the warm-up`);
    });
  });
});
