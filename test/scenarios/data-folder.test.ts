import assert from "node:assert/strict";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runDirectorToExit, startDirector } from "#harness/director.ts";
import { forEachEngine } from "#harness/engines.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";

const empty = { servers: {} };

describe("the data folder", { concurrency: 2 }, () => {
  forEachEngine((engine) => {
    const modeOf = async (path: string): Promise<string> =>
      ((await stat(path)).mode & 0o777).toString(8);

    it("and the admin socket are for the director's user alone, whatever the umask", async () => {
      const prefix = ["/bin/sh", "-c", 'umask 0; exec "$0" "$@"'];
      const director = await startDirector({ document: empty, engine, workers: 1, prefix });
      assert.equal(await modeOf(director.dataDir), "700");
      assert.equal(await modeOf(director.socketPath), "600");
    });

    it("is free again when its holder was killed or has stopped", async () => {
      const document = { ...empty, director: { orphanGrace: "0s" } };
      const options = { document, engine, workers: 1 };
      const first = await startDirector(options);
      first.signal("SIGKILL");
      await first.exited;
      const second = await startDirector({ ...options, folder: first.dir });
      assert.equal((await second.status()).revision, 1);
      assert.equal((await second.stop()).code, 0);
      const third = await startDirector({ ...options, folder: first.dir });
      assert.equal((await third.stop()).code, 0);
    });

    it("remembers the revision of the document", async () => {
      const servers = { web: { address: "127.0.0.1" } };
      const first = await startDirector({ document: empty, engine, workers: 1 });
      assert.equal((await first.reload({ servers })).outcome, "applied");
      assert.equal((await first.status()).revision, 2);
      await first.stop();
      const options = { engine, workers: 1, folder: first.dir };
      const second = await startDirector({ ...options, document: { servers } });
      assert.equal((await second.status()).revision, 2);
      await second.stop();
      const third = await startDirector({ ...options, document: empty });
      assert.equal((await third.status()).revision, 3);
    });

    it("is not taken over where others keep their files and may look into it", async () => {
      const folder = await makeTempFolder();
      await mkdir(join(folder, "data"));
      await writeFile(join(folder, "data/theirs"), "");
      await chmod(join(folder, "data"), 0o755);
      const { code, stderr } = await runDirectorToExit({ document: empty, engine, folder });
      assert.equal(code, 1);
      assert.match(stderr, /data-unusable/);
      assert.equal(await modeOf(join(folder, "data")), "755");
    });

    it("cannot lie in a folder that is not there", async () => {
      const dataPath = `/nonexistent-${uniqueVirtualIp()}/data`;
      const extraArgs = ["--data", dataPath];
      const { code, stderr } = await runDirectorToExit({ document: empty, engine, extraArgs });
      assert.equal(code, 1);
      assert.match(stderr, /data-unusable/);
    });
  });
});
