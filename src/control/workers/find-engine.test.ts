import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
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

test("a bun that does not start is named with the reason, and auto goes on with node", async () => {
  const folder = await makeTempFolder();
  const file = join(folder, "bin/bun");
  const resolve = (): string => join(folder, "package.json");
  const found = (wanted: "auto" | "bun") =>
    findEngine({ wanted, nodeFile, arch: process.arch, resolve });
  const cases: readonly (readonly [script: string, reason: RegExp])[] = [
    ["kill -ILL $$", /lacks instructions that it needs \(SIGILL\)/],
    ["kill -SEGV $$", /it was ended by SIGSEGV/],
    ["echo no such library >&2; exit 127", /no such library/],
    ["exit 3", /exit code 3/],
  ];
  for (const [script, reason] of cases) {
    await writeFiles(folder, { "bin/bun": `#!/bin/sh\n${script}\n` });
    await chmod(file, 0o755);
    const { engine, notice } = found("auto");
    assert.deepEqual([engine, notice?.event], ["node", "bun-unusable"]);
    assert.match(notice?.text ?? "", reason);
    assert.throws(() => found("bun"), { code: "engine-missing", message: reason });
  }
  await chmod(file, 0o644);
  assert.match(found("auto").notice?.text ?? "", /EACCES/);
});
