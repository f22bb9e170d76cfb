import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { startDirector, type Director } from "#harness/director.ts";
import { Operator, type CommandInput, type CommandOutput } from "#harness/operator.ts";
import { writeFiles } from "#harness/temp-folder.ts";

const document = "servers: { web-1: { address: 127.0.0.1 } }\n";

// The control process answers, whatever the engine of its workers. Each test leaves the document as it was.
describe("a command that reads a document from a file", { concurrency: false }, () => {
  let director: Director;
  let operator: Operator;

  before(async () => {
    director = await startDirector({ document, engine: "node", workers: 1 });
    operator = new Operator({ socketPath: director.socketPath, folder: director.dir });
  });

  const inFolder = (name: string): string => join(director.dir, name);

  const tlsd = (line: string, given?: CommandInput): Promise<CommandOutput> =>
    operator.run(line.split(" "), given);

  /** Runs a command that must fail, and returns what it printed. Nothing may have changed. */
  const refused = async (line: string, given?: CommandInput, exitCode = 1): Promise<string> => {
    const old = (await director.status()).revision;
    const { code, out, err } = await tlsd(line, given);
    assert.deepEqual([code, out], [exitCode, ""], `tlsd ${line}: ${err}`);
    assert.equal((await director.status()).revision, old);
    return err;
  };

  it("takes an empty text for a mistake, and {} for an empty document", async () => {
    for (const text of ["", "# revision: 1\n", "null\n", "---\n"]) {
      await writeFiles(director.dir, { "empty.yaml": text });
      const path = inFolder("empty.yaml");
      const ways = [
        await refused(`apply ${path} --force`),
        await refused("apply - --force --dry-run", { input: text }),
        await refused(`diff ${path}`, {}, 2),
        await refused("edit", { editor: (edited) => writeFile(edited, text).then(() => 0) }),
      ];
      assert.match(ways.at(-1) ?? "", /nothing was changed\. The edited text is in \S+\.\n/);
      for (const err of ways) {
        assert.match(err, /^tlsd: document-empty: .*\n {2}An empty document, .* as \{\}\.\n$/);
      }
    }
    const emptied = await tlsd("apply - --force", { input: "{}" });
    assert.match(emptied.out, /- servers\.web-1 /);
    const { out } = await tlsd("export");
    assert.match(out, /\n\{\}\n$/);
    const again = await tlsd("apply -", { input: out });
    assert.match(again.out, /^Nothing to change: /);
    const { out: begun } = await tlsd("edit", {
      editor: async (path) => {
        await writeFile(path, `${await readFile(path, "utf8")}${document}`);
        return 0;
      },
    });
    assert.match(begun, /\+ servers\.web-1 /);
  });
});
