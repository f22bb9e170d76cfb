import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import type { NamedPath } from "#model/document/document-paths.ts";
import { checkRealPaths } from "./check-real-paths.ts";
import { FileOutsideError, readBoundedFile } from "./read-bounded-file.ts";

describe("a file that must be in a folder", () => {
  let folder: string;
  let allowed: string;
  const at = (path: string): string => join(folder, path);

  beforeEach(async () => {
    folder = await makeTempFolder();
    allowed = at("certs");
    await writeFiles(folder, {
      "certs/a.pem": "inside",
      "certs/inner/b.pem": "inside",
      "certs-evil/c.pem": "outside",
      "private/d.pem": "outside",
    });
    await symlink("../private/d.pem", at("certs/link.pem"));
    await symlink("../private/nothing.pem", at("certs/dangling.pem"));
    await symlink(at("private"), at("certs/folder"));
    await symlink("inner/../a.pem", at("certs/alias.pem"));
    await symlink("loop", at("certs/loop"));
    await symlink(at("certs"), at("elsewhere"));
  });

  const read = async (path: string, ...folders: readonly string[]): Promise<string> => {
    const { bytes } = await readBoundedFile(path, 1_000, folders.length > 0 ? folders : [allowed]);
    return bytes.toString();
  };

  it("is read in the folder, below it, by a symlink within it, and where the folder is a symlink", async () => {
    assert.equal(await read(at("certs/a.pem")), "inside");
    assert.equal(await read(at("certs/inner/b.pem")), "inside");
    assert.equal(await read(at("certs/alias.pem")), "inside");
    assert.equal(await read(at("elsewhere/a.pem"), at("elsewhere")), "inside");
    assert.equal(await read(at("certs/a.pem"), at("nothing"), allowed), "inside");
    assert.equal((await readBoundedFile(at("private/d.pem"), 1_000)).bytes.toString(), "outside");
  });

  it("is refused alike whether or not something exists outside", async () => {
    for (const path of [
      at("certs-evil/c.pem"),
      at("certs/../private/d.pem"),
      at("private/d.pem"),
      at("private/nothing.pem"),
      at("certs/link.pem"),
      at("certs/dangling.pem"),
      at("certs/folder/d.pem"),
      at("certs/folder/nothing.pem"),
      at("certs/folder/d.pem/nothing"),
      at("elsewhere/a.pem"),
      `/proc/self/root${at("certs/a.pem")}`,
      "/proc/self/fd/0",
      "/dev/null",
      allowed,
    ]) {
      await assert.rejects(read(path), FileOutsideError, path);
    }
    await assert.rejects(read(at("certs/a.pem"), at("nothing")), FileOutsideError);
  });

  it("has its usual problems inside", async () => {
    await assert.rejects(read(at("certs/nothing.pem")), /The file does not exist/);
    await assert.rejects(read(at("certs/inner")), /not a regular file/);
    await assert.rejects(read(at("certs/loop")), /symlinks form a loop/);
    await assert.rejects(read(`${at("certs/a.pem")}\0`), /zero byte/);
  });

  it("is never one that a symlink led to in the moment between the check and the opening", async () => {
    await mkdir(at("certs/swap"));
    const place = at("certs/swap/e.pem");
    const over = new AbortController();
    const swap = async (): Promise<void> => {
      for (let round = 0; !over.signal.aborted; round += 1) {
        await symlink(round % 2 === 0 ? "../a.pem" : "../../private/d.pem", at("certs/swap/next"));
        await rename(at("certs/swap/next"), place);
      }
      await rm(place);
    };
    await symlink("../a.pem", place);
    const swapping = swap();
    const seen = new Set<string>();
    for (let round = 0; round < 500; round += 1) {
      const text = await read(place).catch((error: unknown) => {
        if (!(error instanceof FileOutsideError)) throw error;
        return "refused";
      });
      seen.add(text);
    }
    over.abort();
    await swapping;
    assert.ok(!seen.has("outside"));
    assert.ok(seen.has("refused"));
  });

  it("is checked without being opened, as unix sockets must be", async () => {
    const paths = ["certs/app.sock", "certs/folder/app.sock", "certs/link.pem", "run/app.sock"].map(
      (path): NamedPath => ({ documentPath: path, keys: [path], file: at(path) }),
    );
    const problems = await checkRealPaths(paths, () => [allowed]);
    assert.deepEqual(
      problems.map(({ code, path }) => `${code} ${path}`),
      [
        "path-outside certs/folder/app.sock",
        "path-outside certs/link.pem",
        "path-outside run/app.sock",
      ],
    );
    assert.deepEqual(await checkRealPaths(paths, () => "any"), []);
  });
});
