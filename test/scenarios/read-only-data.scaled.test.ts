import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { runDirectorToExit, startDirector, type Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { mountDataFolder, tryMountReason, type MountedFolder } from "#harness/mounted-folder.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { callApi } from "#harness/admin-client.ts";
import { prepareServe, runTlsd, startTlsd } from "#harness/tlsd.ts";
import { LogCapture } from "#harness/log-capture.ts";
import { endProcessAtTestEnd } from "#harness/child-process.ts";
import type { DirectorStatus } from "#model/records/status.ts";

const reason = await tryMountReason();
const mayMount = reason === undefined ? {} : { skip: reason };
const deadlineMs = 40_000;

const documentOf = (name: string): object => ({ servers: { [name]: { address: "127.0.0.1" } } });

interface Started {
  readonly socketPath: string;
  readonly status: () => Promise<DirectorStatus>;
  readonly reload: () => Promise<unknown>;
  readonly stop: () => Promise<number | null>;
  readonly log: LogCapture;
}

describe("a director whose data folder is read-only", { concurrency: 2, ...mayMount }, () => {
  forEachEngineIfLong(
    "node",
    (engine) => {
      /** Its admin socket is not where the harness looks for it. */
      const start = async (
        disk: MountedFolder,
        name: string,
        socketFolder: string,
        { env = {}, extraArgs = [] as readonly string[] },
      ): Promise<Started> => {
        const layout = await prepareServe({
          document: documentOf(name),
          engine,
          workers: 1,
          folder: disk.folder,
          extraArgs,
        });
        const log = new LogCapture();
        const running = await startTlsd(layout.args, { env, onLine: (line) => log.add(line) });
        endProcessAtTestEnd(running);
        const ready = await log.waitFor((line) => isEvent(line, "ready"), deadlineMs);
        const socketPath = join(socketFolder, "tlsd.sock");
        assert.equal(ready["socketPath"], socketPath);
        return {
          socketPath,
          log,
          status: async () => (await callApi(socketPath, "/v1/status")).body as DirectorStatus,
          reload: async () => {
            const from = log.lines.length;
            running.child.kill("SIGHUP");
            const line = await log.waitFor(
              (one) => isEvent(one, "document-applied", "document-refused", "document-unchanged"),
              deadlineMs,
              from,
            );
            return line["code"] ?? line["event"];
          },
          stop: async () => {
            running.child.kill("SIGTERM");
            return (await running.exited).code;
          },
        };
      };

      /** A director in its second revision. */
      const serveTwice = async (disk: MountedFolder): Promise<Director> => {
        const director = await startDirector({
          document: documentOf("first"),
          engine,
          workers: 1,
          folder: disk.folder,
        });
        assert.equal((await director.reload(documentOf("second"))).outcome, "applied");
        return director;
      };

      it("is refused by name where there is no runtime folder", async () => {
        const disk = await mountDataFolder();
        await disk.setReadOnly(true);
        const { code, stderr } = await runDirectorToExit({
          document: documentOf("first"),
          engine,
          folder: disk.folder,
          // Where even /run/tlsd cannot be made.
          prefix: [
            ...["unshare", "--mount", "--", "/bin/sh", "-c"],
            'mount -t tmpfs -o ro tmpfs /run && exec "$0" "$@"',
          ],
        });
        assert.equal(code, 1);
        assert.match(stderr, /data-unusable: .*cannot be written to.*--runtime/);
      });

      it("serves the newest revision of one that was killed, with its socket in $RUNTIME_DIRECTORY", async () => {
        const disk = await mountDataFolder();
        const killed = await serveTwice(disk);
        await killed.kill();
        await disk.setReadOnly(true);
        const runtime = await makeTempFolder();
        const env = { RUNTIME_DIRECTORY: `${runtime}:/nonexistent` };
        const { status, reload, socketPath, stop } = await start(disk, "third", runtime, { env });
        const { revision, notices } = await status();
        // It is in the log beside the database: what reads without it would find nothing or the first.
        assert.equal(revision, 2);
        assert.ok(notices.some((text) => text.includes("serves revision 2 from the store")));
        assert.ok(notices.some((text) => text.includes(`admin socket is ${socketPath}`)));
        assert.equal(await reload(), "state-unwritable");
        const { stdout } = await runTlsd(["show", "status"], { env: { TLSD_SOCKET: socketPath } });
        assert.match(stdout, /notice +The data folder .* cannot be written to/);

        const second = await runDirectorToExit({
          document: documentOf("third"),
          engine,
          folder: disk.folder,
          env,
        });
        assert.match(second.stderr, /data-locked/);

        await disk.setReadOnly(false);
        assert.equal(await reload(), "document-applied");
        assert.equal((await status()).revision, 3);
        assert.equal(await stop(), 0);
      });

      it("serves the newest revision of one that was stopped, with its socket where --runtime says", async () => {
        const disk = await mountDataFolder();
        const stopped = await serveTwice(disk);
        assert.equal((await stopped.stop()).code, 0);
        await disk.setReadOnly(true);
        const runtime = join(await makeTempFolder(), "run");
        const extraArgs = ["--runtime", runtime];
        const { status, stop } = await start(disk, "second", runtime, { extraArgs });
        // The file says the same.
        assert.equal((await status()).revision, 2);
        assert.equal(await stop(), 0);
      });

      it("and has no state serves the file", async () => {
        const disk = await mountDataFolder();
        await disk.setReadOnly(true);
        const runtime = await makeTempFolder();
        const env = { RUNTIME_DIRECTORY: runtime };
        const { status, stop } = await start(disk, "first", runtime, { env });
        const { notices } = await status();
        assert.ok(notices.some((text) => text.includes("served without being saved")));
        assert.equal(await stop(), 0);
      });
    },
    { concurrency: false },
  );
});

describe("director.runtime", () => {
  it("is the folder of admin socket, lock and record of workers, beside a data folder that works", async () => {
    const folder = await makeTempFolder();
    const document = { director: { runtime: "run" } };
    const layout = await prepareServe({ document, engine: "node", workers: 1, folder });
    const running = await startTlsd(layout.args);
    endProcessAtTestEnd(running);
    const socketPath = join(folder, "run/tlsd.sock");
    await eventually(
      async () => (await callApi(socketPath, "/readyz")).status === 200,
      deadlineMs,
      "a director that is ready",
    );
    for (const data of [layout.dataPath, join(folder, "other")]) {
      // The one data folder, and the one runtime folder, are for one director.
      const args = [
        "--data",
        data,
        "--runtime",
        join(folder, data === layout.dataPath ? "b" : "run"),
      ];
      const second = await runDirectorToExit({ document, engine: "node", folder, extraArgs: args });
      assert.match(second.stderr, /data-locked/);
    }
    running.child.kill("SIGTERM");
    assert.equal((await running.exited).code, 0);
  });
});
