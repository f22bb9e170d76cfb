import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { churnHandshakes } from "#harness/handshake-churn.ts";

/** A tenth of handshake-churn.long.test.ts, in which engine node's heap just comes to its size. */
const handshakes = 6_000;
/** On a machine that does much else. */
const deadlineMs = 300_000;
/** Some 5 and 20 KiB for each handshake of the second half: less than what a leaked TLS session takes. */
const mostGrowthMib = { bun: 16, node: 64 };

forEachEngine((engine) => {
  describe("after 6,000 full handshakes", () => {
    it(
      "the open files of the worker are back at their base and its memory is bounded",
      { timeout: deadlineMs },
      async (t) => {
        await churnHandshakes(t, engine, handshakes, mostGrowthMib[engine]);
      },
    );
  });
});
