import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { endProcessAtTestEnd, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { lockFolder } from "./lock-folder.ts";

const HOLDER = `
  import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, "lock-folder.ts"))};
  globalThis.lock = lockFolder(process.argv[1]);
  console.log("held");
  setInterval(() => undefined, 1000);
`;

test("a folder is held by one director, whose process is named, until it is killed", async () => {
  const folder = await makeTempFolder();
  const holder = await startProcess(process.execPath, [
    ...["--input-type=module", "--eval", HOLDER],
    folder,
  ]);
  endProcessAtTestEnd(holder);
  await eventually(() => holder.output().includes("held"));
  assert.throws(() => lockFolder(folder), {
    code: "data-locked",
    detail: `Process ${holder.pid} has locked ${folder}/lock.`,
  });
  holder.child.kill("SIGKILL");
  await holder.exited;
  lockFolder(folder).release();
});

test("a lock that was released can be taken again", async () => {
  const folder = await makeTempFolder();
  const lock = lockFolder(folder);
  assert.throws(() => lockFolder(folder), { code: "data-locked" });
  lock.release();
  lockFolder(folder).release();
});

test("a folder that is not there is a named failure", () => {
  assert.throws(() => lockFolder("/nonexistent"), { code: "data-unusable" });
});
