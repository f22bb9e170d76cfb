import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startProcess, endProcessAtTestEnd } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { FAILURES } from "#model/failure-catalog.ts";
import { prepareServe, projectFolder } from "#harness/tlsd.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { makeFaults } from "#harness/faulty-director.ts";
import { START_FAULT_ROWS } from "../fixtures/start-fault-rows.ts";

const startDeadlineMs = 60_000;

// The control process starts so, whatever the engine of its workers.
describe("a director that is started serves, or names what keeps it from that, when", () => {
  for (const { call, subject, codes } of START_FAULT_ROWS) {
    for (const code of codes) {
      it([call, subject ?? "", `fails with ${code}`].join(" "), async () => {
        const faults = await makeFaults();
        const runtime = await makeTempFolder();
        faults.inject({ call, code, ...(subject === undefined ? {} : { subject }) });
        const { args } = await prepareServe({ document: {}, engine: "node", workers: 1 });
        const { nodeFlags, env } = faults.launch;
        const running = await startProcess(
          process.execPath,
          [...nodeFlags, "src/main.ts", ...args],
          { cwd: projectFolder, env: { ...env, RUNTIME_DIRECTORY: runtime } },
        );
        endProcessAtTestEnd(running);
        const isDecided = (): boolean =>
          running.hasExited() || running.output().includes('"ready"');
        await eventually(isDecided, startDeadlineMs, () => running.output());
        await faults.untilHit();
        if (!running.hasExited()) return;
        const failure = /^tlsd: ([a-z-]+): /m.exec(running.output())?.[1] ?? "none";
        assert.ok(failure in FAILURES && failure !== "internal", running.output());
      });
    }
  }
});
