import { describe, it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { withstandFloods } from "#harness/withstand-floods.ts";

const counts = { silent: 2_000, leaving: 5_000, garbage: 2_000 };

forEachEngine((engine) => {
  describe("while 2,000 silent clients, 5,000 that leave and 2,000 that send chance come at once", () => {
    it("50 good clients a second are all served, and what came is counted by cause and gone", async (t) => {
      await withstandFloods(t, { engine, ...counts, handshakeDeadline: "10s" });
    });
  });
});
