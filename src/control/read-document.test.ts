import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DirectorError } from "#model/failure.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { readDocument } from "./read-document.ts";

async function valueOf(text: string | Uint8Array): Promise<unknown> {
  const folder = await makeTempFolder();
  await writeFiles(folder, { "director.yaml": text });
  const read = await readDocument(join(folder, "director.yaml"));
  assert.equal(read.folder, folder);
  return read.value;
}

const refused = (text: string | Uint8Array, message: RegExp): Promise<void> =>
  assert.rejects(valueOf(text), (error) => {
    assert.ok(error instanceof DirectorError);
    assert.equal(error.code, "document-unreadable");
    assert.match(error.message, message);
    return true;
  });

describe("readDocument", () => {
  it("reads YAML and JSON, tabs in JSON too", async () => {
    const expected = { servers: { "web-1": { address: "192.0.2.1" } } };
    assert.deepEqual(await valueOf("servers:\n  web-1: { address: 192.0.2.1 }\n"), expected);
    assert.deepEqual(await valueOf(JSON.stringify(expected, undefined, "\t")), expected);
    assert.equal(await valueOf(""), null);
  });

  it("names line and column of what is wrong", async () => {
    await refused("a: 1\nb: [1, 2\n", /line \d, column \d+: /);
    await refused("a:\n\tb: 1", /line 2, column 1: Tabs/);
    await refused("a: !secret 1", /line 1, column 4: Unresolved tag/);
    await refused("a: 1\n---\na: 2\n", /line 2, column 1: .*multiple documents/);
  });

  it("refuses a key that stands twice, in YAML and in JSON", async () => {
    await refused("a: 1\nb: 2\na: 3\n", /line 3, column 1: The key "a" stands here twice/);
    await refused('{"a": {"b": 1, "b": 2}}', /The key "b" stands here twice/);
    await refused("? {a: 1}\n: 2\n", /A key must be plain text/);
  });

  it("expands aliases, but not without end", async () => {
    const { b } = (await valueOf("a: &x { port: 1 }\nb: [*x, *x]\n")) as { b: unknown };
    assert.deepEqual(b, [{ port: 1 }, { port: 1 }]);
    const levels = Array.from(
      { length: 12 },
      (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(9)}]`,
    );
    await refused(["a0: &a0 [1]", ...levels].join("\n"), /aliases expand to too much/);
    await refused("a: &x [*x]", /&x contains itself/);
    await refused("a: *x", /no anchor &x/);
  });

  it("reads ten thousand certificates in less than a few seconds", { timeout: 5_000 }, async () => {
    const entries = Array.from({ length: 10_000 }, (_, at) => `  c${at}: { chain: c${at}.pem }\n`);
    const value = await valueOf(`certificates:\n${entries.join("")}`);
    assert.equal(Object.keys((value as { certificates: object }).certificates).length, 10_000);
  });

  it("reads nothing but a regular UTF-8 file of bounded size", async () => {
    const folder = await makeTempFolder();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    await symlink(join(folder, "loop"), join(folder, "loop"));
    for (const [path, message] of [
      [pipe, /not a regular file/],
      [folder, /not a regular file/],
      ["/dev/zero", /not a regular file/],
      [join(folder, "nothing"), /no such file/],
      [join(folder, "loop"), /circle/],
    ] as const) {
      await assert.rejects(readDocument(path), message);
    }
    await refused(Uint8Array.of(0x61, 0x3a, 0xff), /not UTF-8/);
    await refused(new Uint8Array(16 * 1024 * 1024 + 1), /larger than 16384 KiB/);
  });
});
