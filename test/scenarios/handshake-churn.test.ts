import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { churnHandshakes } from "#harness/handshake-churn.ts";

/** A tenth of handshake-churn.long.test.ts, in which engine node's heap just comes to its size. */
const handshakes = 6_000;
/** Some 10 and 20 KiB a handshake: what one leaked socket, TLS session or connection takes is more. */
const mostGrowthMib = { bun: 64, node: 128 };

forEachEngine((engine) => {
  describe("after 6,000 full handshakes", () => {
    it("the open files of the worker are back at their base and its memory is bounded", async (t) => {
      const [before = 0, ...samples] = await churnHandshakes(t, engine, handshakes);
      const growth = Math.max(...samples) - before;
      assert.ok(growth < mostGrowthMib[engine], `${growth} MiB more`);
    });
  });
});
