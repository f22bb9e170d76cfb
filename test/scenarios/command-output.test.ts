import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runToExit, type ProcessResult } from "#harness/child-process.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { ownProgram as main } from "#harness/tlsd.ts";

const document = { servers: { "web-1": { address: "127.0.0.1" } } };

// The control process answers, whatever the engine of its workers.
describe("a command whose output cannot be written", { concurrency: 3 }, () => {
  let director: Director;

  /** Runs a script in which `tlsd` is the program. */
  async function inShell(script: string): Promise<ProcessResult> {
    const text = `tlsd() { '${process.execPath}' '${main}' "$@"; }\n${script}`;
    const env = { TLSD_SOCKET: director.socketPath };
    return runToExit("bash", ["--norc", "-c", text], { env, cwd: director.dir });
  }

  before(async () => {
    director = await startDirector({ document, engine: "node", workers: 1 });
  });

  for (const [line, code] of [
    ["backup -", 1],
    ["export", 1],
    ["export --json", 1],
    ["schema", 1],
    ["check director.yaml", 1],
    ["show status --watch", 1],
    ["show nothing --json", 2],
    ["show servers web-9 --json", 1],
    ["completion bash", 1],
    ["help show", 1],
    ["--version", 1],
    ["set server web-1 address=127.0.0.2 --dry-run", 1],
    ["diff other.yaml", 2],
  ] as const) {
    it(`fails and says why: ${line}`, async () => {
      await writeFiles(director.dir, { "other.yaml": "servers: {}\n" });
      const result = await inShell(`tlsd ${line} > /dev/full`);
      assert.equal(result.code, code, result.stderr);
      if (line !== "show nothing --json") {
        assert.match(result.stderr, /^tlsd: output-unwritable: .* ENOSPC: .*\n {2}.*\n$/);
      }
    });
  }

  it("fails if only a part of the output could be written", async () => {
    const folder = await makeTempFolder();
    // A block of bash has 1,024 bytes.
    const { code, stderr } = await inShell(`ulimit -f 16; tlsd schema > ${folder}/schema.json`);
    assert.equal(code, 1);
    assert.match(stderr, /^tlsd: output-unwritable: .* EFBIG: /);
    assert.equal((await stat(join(folder, "schema.json"))).size, 16 * 1_024);
  });

  it("ends without a word if the reader of its output has gone", async () => {
    for (const line of [
      "help add listener",
      "add listener --help",
      "--help",
      "schema",
      "backup -",
      "show status --watch --json",
      "nonsense 2>&1",
    ]) {
      const { stdout, stderr } = await inShell(`tlsd ${line} | true; echo "\${PIPESTATUS[0]}"`);
      const code = line.startsWith("nonsense") ? 2 : 0;
      assert.deepEqual([stdout, stderr], [`${code}\n`, ""], line);
    }
  });
});
