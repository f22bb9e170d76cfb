import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startDirector } from "#harness/director.ts";
import { isEvent } from "#harness/log-capture.ts";
import { projectFolder } from "#harness/tlsd.ts";
import { describeFaults } from "../fixtures/describe-faults.ts";
import { FAULT_ROWS, START_CALLS } from "../fixtures/fault-rows.ts";
import { makeFaults } from "../fixtures/faulty-director.ts";

describeFaults("one");

describe("the table of faults", () => {
  it("has every call of files, of SQLite and of processes that the control process imports", () => {
    const folder = join(projectFolder, "src/control");
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .map((path) => readFileSync(join(folder, path), "utf8"));
    const imported = sources.flatMap((source) =>
      [
        ...source.matchAll(
          /import \{([^}]*)\} from "node:(?:fs|fs\/promises|sqlite|child_process)"/g,
        ),
      ].flatMap(([, names = ""]) => names.split(",").map((name) => name.trim())),
    );
    const calls = imported.filter((name) => name !== "" && !/^type |^constants$/.test(name));
    assert.ok(calls.length > 20);
    const known = [...FAULT_ROWS.map(({ call }) => call.split(".").at(-1)), ...START_CALLS];
    assert.deepEqual(
      [...new Set(calls)].filter((name) => !known.includes(name)),
      [],
    );
  });
});

describe("an error of the control process that nothing catches", () => {
  for (const call of ["escape.throw", "escape.reject"]) {
    it(`is logged with its stack, counted and shown, and ends nothing (${call})`, async () => {
      const faults = await makeFaults();
      const director = await startDirector({
        document: {},
        engine: "node",
        workers: 1,
        ...faults.launch,
      });
      faults.inject({ call, code: "EIO" });
      const line = await director.waitForLog((one) => isEvent(one, "internal-error"));
      assert.equal(line["code"], "internal");
      assert.match((line["err"] as { readonly stack: string }).stack, /inject-faults\.ts/);
      assert.equal((await director.metrics()).value("tlsd_internal_errors_total"), 1);
      const { notices } = await director.status();
      assert.ok(notices.some((notice) => notice.includes("had an internal error")));
      const { outcome } = await director.reload({ servers: { web: { address: "127.0.0.1" } } });
      assert.equal(outcome, "applied");
      await eventually(async () => (await director.status()).workers.serving === 1);
      assert.equal((await director.stop()).code, 0);
    });
  }
});
