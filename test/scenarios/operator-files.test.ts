import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import { runToExit } from "#harness/child-process.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { Operator, type CommandInput, type CommandOutput } from "#harness/operator.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { runTlsd } from "#harness/tlsd.ts";

/** A few lines that expand to millions of values. */
const aliasBomb = (): string =>
  Array.from({ length: 9 }, (_, at) => {
    const values = at === 0 ? "x" : `*a${at - 1}`;
    return `k${at}: &a${at} [${Array.from({ length: 9 }, () => values).join(",")}]\n`;
  }).join("");

const document = "servers: { web-1: { address: 192.0.2.1 } }\n";

// The control process answers, whatever the engine of its workers. Each test leaves the document as it was.
describe("a command that reads a file", { concurrency: false }, () => {
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

  const unreadable = {
    "latin1.yaml": [
      Buffer.from("# caf\u00e9\nservers: {}\n", "latin1"),
      "The file is not UTF-8 text.",
    ],
    "twice.yaml": ["servers: {}\nservers: {}\n", 'The key "servers" is duplicated.', "2:1"],
    "two.yaml": ["servers: {}\n---\npolicies: {}\n", "A second document begins here.", "2:1"],
    "bomb.yaml": [aliasBomb(), "The aliases of the document expand to too much data."],
    "deep.yaml": [`a: ${"[".repeat(10_000)}`, "The document is nested too deeply."],
    "large.yaml": [`# ${"x".repeat(MAX_DOCUMENT_BYTES)}`, "It is larger than 16384 KiB."],
  } as const satisfies Readonly<Record<string, readonly (string | Buffer)[]>>;

  for (const [name, [content, reason, place]] of Object.entries(unreadable)) {
    it(`refuses to merge into a file that is no document, and says where: ${name}`, async () => {
      const path = inFolder(name);
      await writeFile(path, content);
      const err = await refused(`export --into ${path}`);
      const where = place === undefined ? path : `${path}:${place}`;
      assert.ok(err.startsWith("tlsd: document-unreadable: "), err);
      assert.ok(err.includes(` ${where}: ${reason}`) && !err.includes("    at "), err);
      assert.deepEqual(await readFile(path), Buffer.from(content));
      if (name === "large.yaml") return;
      const applied = await refused(`apply ${path} --force`);
      assert.ok(applied.includes(` ${where}: ${reason}`), applied);
    });
  }

  it("does not wait for an editor that has replaced the file by something else", async () => {
    const fifo = await refused("edit", {
      editor: async (path) => {
        await rm(path);
        const { code } = await runToExit("mkfifo", [path]);
        return code ?? 1;
      },
    });
    assert.match(
      fifo,
      /^tlsd: document-unreadable: .*director\.yaml: It is not a regular file\.\n/,
    );
    const removed = await refused("edit", { editor: (path) => rm(path).then(() => 0) });
    assert.match(removed, /^tlsd: file-unreadable: .*director\.yaml does not exist\.\n/);
    const binary = await refused("edit", {
      editor: (path) => writeFile(path, Buffer.from("# caf\u00e9\n", "latin1")).then(() => 0),
    });
    assert.match(binary, /^tlsd: document-unreadable: .* is not UTF-8 text\./);
  });

  it("prints one failure if a backup is missing and a director uses the folder", async () => {
    const args = ["restore", "no.backup", "--data", director.dataDir];
    const { code, stdout, stderr } = await runTlsd(args, { cwd: director.dir });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^tlsd: data-locked: .*\n {2}.*\n$/);
  });

  it("reads no more than a document may have, whatever the file is", async () => {
    const { socketPath, dir } = director;
    await runToExit("mkfifo", [inFolder("fifo")]);
    for (const [line, message] of [
      ["export --into /dev/zero", /^tlsd: document-unreadable: .* It is not a regular file\.\n/],
      ["export --into fifo", /^tlsd: document-unreadable: .* It is not a regular file\.\n/],
      ["apply /dev/zero --force", /^tlsd: body-too-large: /],
      ["apply nowhere.yaml --force", /^tlsd: document-unreadable: .*nowhere\.yaml/],
    ] as const) {
      const env = { TLSD_SOCKET: socketPath };
      const { code, stdout, stderr } = await runTlsd(line.split(" "), { env, cwd: dir });
      assert.deepEqual([code, stdout], [1, ""], line);
      assert.match(stderr, message, line);
    }
  });
});
