import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { readSecretFile } from "./read-secret-file.ts";

const DEADLINES = { writerMs: 200, lineMs: 400 };
/** Those that nothing here misses. */
const PATIENT = { writerMs: 30_000, lineMs: 30_000 };

async function makeFifo(): Promise<string> {
  const path = join(await makeTempFolder(), "fifo");
  execFileSync("mkfifo", [path]);
  return path;
}

const textOf = async (path: string, deadlines = DEADLINES): Promise<string> =>
  Buffer.from(await readSecretFile(path, deadlines)).toString();

describe("a file with a secret", () => {
  it("is read up to the end of its first line, or to 16 KiB", async () => {
    const path = join(await makeTempFolder(), "secret");
    await writeFile(path, "geheim");
    assert.equal(await textOf(path), "geheim");
    await writeFile(path, `${"x".repeat(100_000)}\n`);
    assert.equal(await textOf(path), "x".repeat(16 * 1024));
    assert.equal(await textOf("/dev/null"), "");
    await assert.rejects(readSecretFile(`${path}.missing`), { code: "ENOENT" });
    await assert.rejects(readSecretFile("/"), { code: "EISDIR" });
  });

  it("may be a FIFO whose writer comes later and stays", async () => {
    const path = await makeFifo();
    const text = textOf(path, PATIENT);
    await delay(50);
    // A writer that opens the FIFO waits for a reader, which is there.
    await using writer = await open(path, "w");
    await writer.write("gehe");
    await delay(50);
    await writer.write("im\n");
    assert.equal(await text, "geheim\n");
  });

  it("is empty if its writer leaves without a word", async () => {
    const path = await makeFifo();
    const text = textOf(path, PATIENT);
    const writer = await open(path, "w");
    await delay(300);
    await writer.close();
    assert.equal(await text, "");
  });

  it("is refused if it is a FIFO without a writer, or with a writer that stays silent", async () => {
    const path = await makeFifo();
    await assert.rejects(textOf(path), /nothing has opened it for writing within 0.2 s/);
    const text = textOf(path, { ...PATIENT, lineMs: 400 });
    await using _writer = await open(path, "w");
    await assert.rejects(text, /had no line within 0.4 s/);
  });
});
