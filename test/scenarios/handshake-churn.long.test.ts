import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { churnHandshakes } from "#harness/handshake-churn.ts";

const handshakes = 60_000;
/** Half a KiB for each handshake of the second half. */
const mostGrowthMib = 16;

forEachEngine((engine) => {
  describe("after 60,000 full handshakes", () => {
    it("the open files of the worker are back at their base and its memory is flat", async (t) => {
      await churnHandshakes(t, engine, handshakes, mostGrowthMib);
    });
  });
});
