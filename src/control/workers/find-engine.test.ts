import assert from "node:assert/strict";
import { test } from "node:test";
import { findEngine } from "./find-engine.ts";

const nodeFile = process.execPath;

test("auto is the project's bun, whose flags keep it from reading files by itself", () => {
  const found = findEngine({ wanted: "auto", nodeFile, arch: process.arch });
  assert.equal(found.engine, "bun");
  assert.match(found.file, /node_modules\/@oven\/bun-linux-[^/]+\/bin\/bun$/);
  assert.deepEqual(found.flags, ["--no-env-file", "--config=/dev/null", "--no-install"]);
});

test("without a bun, auto is the node of the control process, and bun a named failure", () => {
  const found = findEngine({ wanted: "auto", nodeFile, arch: "riscv64" });
  assert.deepEqual([found.engine, found.file], ["node", nodeFile]);
  assert.throws(() => findEngine({ wanted: "bun", nodeFile, arch: "riscv64" }), {
    code: "engine-missing",
  });
});
