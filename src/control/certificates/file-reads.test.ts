import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { FileOutsideError, readBoundedFile } from "../read-bounded-file.ts";
import { FileReads } from "./file-reads.ts";

const MAX_BYTES = 4_096;

test("the thread reads every kind of file as it is read without the thread", async () => {
  const folder = await makeTempFolder();
  const path = (name: string): string => join(folder, name);
  const many = Array.from({ length: 200 }, (_, at) => path(`${at}.pem`));
  await Promise.all(many.map((file) => writeFile(file, `${file} `.repeat(9))));
  await mkdir(path("folder"));
  execFileSync("mkfifo", [path("pipe")]);
  await writeFile(path("large"), Buffer.alloc(MAX_BYTES + 1));
  await writeFile(path("empty"), "");
  const odd = ["folder", "pipe", "large", "empty", "missing", "0.pem/below", "with\0zero"].map(
    path,
  );
  // The signature says that a file is older than one tick of the clock.
  await delay(100);
  using reads = new FileReads();
  const outcomeOf = async (read: typeof readBoundedFile, file: string): Promise<string> => {
    try {
      const { bytes, signature } = await read(file, MAX_BYTES);
      return `${bytes.toString()} ${signature}`;
    } catch (error) {
      return String(error);
    }
  };
  const files = [...many, ...odd, "/dev/null"];
  const inThread = await Promise.all(files.map((file) => outcomeOf(reads.read, file)));
  const alone = await Promise.all(files.map((file) => outcomeOf(readBoundedFile, file)));
  assert.deepEqual(inThread, alone);
  assert.match(inThread.join(), /FileUnusableError: It is not a regular file\./);
});

test("a file that must be in certain folders is refused outside of them", async () => {
  const folder = await makeTempFolder();
  await writeFile(join(folder, "a.pem"), "a");
  using reads = new FileReads();
  const { bytes } = await reads.read(join(folder, "a.pem"), MAX_BYTES, [folder]);
  assert.equal(bytes.toString(), "a");
  await assert.rejects(reads.read("/etc/hostname", MAX_BYTES, [folder]), FileOutsideError);
});
