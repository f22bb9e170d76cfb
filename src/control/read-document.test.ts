import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DirectorError } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { testReader } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { readDocument } from "./read-document.ts";

const reader = testReader();

async function refused(path: string, message: RegExp): Promise<void> {
  await assert.rejects(readDocument(path, reader, true), (error) => {
    assert.ok(error instanceof DirectorError);
    assert.equal(error.code, "document-unreadable");
    assert.match(error.message, message);
    return true;
  });
}

describe("readDocument", () => {
  it("gives the same result in this process and in a reader process", async () => {
    const folder = await makeTempFolder();
    const path = join(folder, "director.yaml");
    for (const text of ["servers: { web: { address: 192.0.2.1 } }\n", "serverz: .inf\n"]) {
      await writeFiles(folder, { "director.yaml": text });
      const { locate, ...here } = await readDocument(path, reader, false);
      const { locate: locateThere, ...there } = await readDocument(path, reader, true);
      assert.deepEqual(here, there);
      const later = [problemOf("no-server", "servers.web", "")];
      assert.deepEqual(await locate(later), await locateThere(later));
      assert.equal((await locate(later))[0]?.line, 1);
    }
    await writeFiles(folder, { "director.yaml": "a: [" });
    await assert.rejects(readDocument(path, reader, false), /director\.yaml:1:5: Flow/);
  });

  it("returns the document with its defaults, its problems and its folder", async () => {
    const folder = await makeTempFolder();
    const path = join(folder, "director.yaml");
    await writeFiles(folder, { "director.yaml": "servers: { web: { address: 192.0.2.1 } }\n" });
    const read = await readDocument(path, reader, true);
    assert.equal(read.folder, folder);
    assert.deepEqual(read.problems, []);
    assert.equal(read.document?.director.data, "data");
    await writeFiles(folder, { "director.yaml": "serverz: 1\n" });
    const { document, problems } = await readDocument(path, reader, true);
    assert.equal(document, undefined);
    assert.deepEqual(
      problems.map(({ code, path: place }) => `${code} ${place}`),
      ["unknown-key serverz"],
    );
    const { file, line, column } = problems[0] ?? {};
    assert.deepEqual({ file, line, column }, { file: path, line: 1, column: 1 });
  });

  it("refuses a text that is not a document, with line and column", async () => {
    const folder = await makeTempFolder();
    await writeFiles(folder, { "director.yaml": "a: 1\nb: [1, 2\n" });
    await refused(join(folder, "director.yaml"), /director\.yaml:3:1: /);
  });

  it("shortens paths of keys that are as long as the document", async () => {
    const folder = await makeTempFolder();
    await writeFiles(folder, { "director.yaml": `? ${"k".repeat(500_000)}\n: 1\n` });
    const { problems } = await readDocument(join(folder, "director.yaml"), reader, true);
    assert.equal(problems[0]?.code, "unknown-key");
    assert.ok((problems[0]?.path.length ?? 0) < 2_000);
  });

  it("reads only regular files of limited size", async () => {
    const folder = await makeTempFolder();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    await symlink(join(folder, "loop"), join(folder, "loop"));
    await writeFiles(folder, { large: new Uint8Array(16 * 1024 * 1024 + 1) });
    await refused(pipe, /not a regular file/);
    await refused(folder, /not a regular file/);
    await refused("/dev/zero", /not a regular file/);
    await refused(join(folder, "nothing"), /does not exist/);
    await refused(join(folder, "loop"), /form a loop/);
    await refused(join(folder, "large"), /larger than 16384 KiB/);
  });
});
