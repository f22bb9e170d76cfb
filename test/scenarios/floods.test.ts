import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { withstandFloods } from "#harness/withstand-floods.ts";

/** A tenth of floods.long.test.ts. */
const counts = { silent: 200, leaving: 500, garbage: 200 };

forEachEngine((engine) => {
  describe("while silent clients, clients that leave and clients that send chance come at once", () => {
    it("50 good clients a second are all served, and what came is counted by cause and gone", async (t) => {
      await withstandFloods(t, { engine, ...counts, handshakeDeadline: "6s" });
    });
  });
});
