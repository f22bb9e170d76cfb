import assert from "node:assert/strict";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runDirectorToExit, startDirector } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";

const empty = { servers: {} };
const changed = { servers: { web: { address: "127.0.0.1" } } };

describe("the data folder", { concurrency: 2 }, () => {
  forEachEngineIfLong(
    "bun",
    (engine) => {
      const modeOf = async (path: string): Promise<string> =>
        ((await stat(path)).mode & 0o777).toString(8);

      it("and the admin socket are for the director's user alone, whatever the umask", async () => {
        const prefix = ["/bin/sh", "-c", 'umask 0; exec "$0" "$@"'];
        const director = await startDirector({ document: empty, engine, workers: 1, prefix });
        assert.equal(await modeOf(director.dataDir), "700");
        assert.equal(await modeOf(director.socketPath), "600");
      });

      it("is free again when its holder was killed, and remembers the document's revision", async () => {
        const director = await startDirector({ document: empty, engine, workers: 1 });
        assert.equal((await director.reload(changed)).outcome, "applied");
        await director.kill();
        const folder = director.dir;
        const next = await startDirector({ document: changed, engine, workers: 1, folder });
        assert.equal((await next.status()).revision, 2);
        assert.equal((await next.reload(empty)).outcome, "applied");
        assert.equal((await next.status()).revision, 3);
        assert.equal((await next.stop()).code, 0);
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
        const extraArgs = ["--data", `/nonexistent-${uniqueVirtualIp()}/data`];
        const { code, stderr } = await runDirectorToExit({ document: empty, engine, extraArgs });
        assert.equal(code, 1);
        assert.match(stderr, /data-unusable/);
      });
    },
    { concurrency: false },
  );
});
