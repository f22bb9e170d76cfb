import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { addBackupRoute, type Backup } from "#control/admin-api/add-backup-route.ts";
import { buildHttpApp } from "#control/admin-api/build-http-app.ts";
import { buildLog } from "#control/telemetry/log.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { runBackup } from "./run-backup.ts";
import { StandardOutput } from "./standard-output.ts";

const { logger: log } = buildLog({ level: "silent" });
const silent = { isInteractive: false, out: () => undefined, err: () => undefined };
const header = '{"tlsdBackup":1}\n';
const trailer = '{"end":{}}\n';

async function serve(backup: Backup): Promise<string> {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const { app } = buildHttpApp(log, () => Promise.reject(new Error("There is no body.")));
  addBackupRoute(app, backup, log);
  await app.listen({ path: socketPath });
  closeAtTestEnd(() => app.close());
  return socketPath;
}

async function backupTo(path: string, backup: Backup): Promise<void> {
  const socketPath = await serve(backup);
  const request = { path, socketPath, timeoutMs: 10_000, isJson: false };
  await runBackup(request, silent, new StandardOutput(new PassThrough()));
}

test("a backup replaces the file only when its last line has come", async () => {
  const path = join(await makeTempFolder(), "tlsd.backup");
  await writeFile(path, "the backup before");
  const failing = backupTo(path, async function* () {
    yield header;
    await delay(10);
    throw new Error("The disk is broken.");
  });
  await assert.rejects(failing, { code: "backup-incomplete" });
  const ending = backupTo(path, async function* () {
    yield header;
  });
  await assert.rejects(ending, { code: "backup-incomplete" });
  assert.equal(await readFile(path, "utf8"), "the backup before");
  await backupTo(path, async function* () {
    yield header;
    yield trailer;
  });
  assert.equal(await readFile(path, "utf8"), header + trailer);
});

test("a client that does not read holds its backup back, and one that goes away ends it", async () => {
  let lines = 0;
  let isEnded = false;
  const line = `"${"x".repeat(64 * 1024)}"\n`;
  const socketPath = await serve(async function* () {
    try {
      for (;;) {
        lines += 1;
        yield line;
      }
    } finally {
      isEnded = true;
    }
  });
  const client = await rawConnect({ path: socketPath });
  await client.send("GET /v1/backup HTTP/1.1\r\nHost: x\r\n\r\n");
  let before = -1;
  await eventually(
    () => {
      const isHeld = lines > 0 && lines === before;
      before = lines;
      return isHeld;
    },
    10_000,
    "a backup that is held back",
  );
  assert.ok(lines < 200, `${lines} lines of 64 KiB`);
  client.drop();
  await eventually(() => isEnded, 10_000, "the end of the backup");
});
