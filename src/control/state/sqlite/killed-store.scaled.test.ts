import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { largeDocument } from "#harness/large-document.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { scaled } from "#harness/run-length.ts";
import { storeWriter, storeWriterEnv } from "#harness/store-writer.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { readBackup } from "../backup/read-backup.ts";
import { writeBackup } from "../backup/write-backup.ts";
import { MemoryStore } from "../memory-store.ts";
import { TreeDocumentStore } from "../tree-document-store.ts";
import { SqliteStore } from "./sqlite-store.ts";

const kills = scaled({ short: 8, long: 200 });
const maxSaves = 6;
const maxDelayMs = 40;
const deadlineMs = 60_000;
/** Older revisions than these may have been collected. */
const historyBound = 1_000;

async function* bytesOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array, void> {
  for await (const line of lines) yield Buffer.from(line);
}

/** Runs the writer, kills it at a random moment, and returns the revisions that it had acknowledged. */
async function killOne(folder: string): Promise<readonly number[]> {
  const acknowledged: number[] = [];
  const wanted = Math.floor(Math.random() * maxSaves);
  const [command, ...args] = storeWriter(folder, 1_000_000);
  const running = await startProcess(command, args, {
    env: storeWriterEnv,
    onLine: (line) => {
      const [word, number] = line.split(" ");
      if (word === "saved") acknowledged.push(Number(number));
    },
  });
  await eventually(
    () => running.output().includes("saving") && acknowledged.length >= wanted,
    deadlineMs,
    () => running.output(),
  );
  await delay(Math.random() * maxDelayMs);
  running.child.kill("SIGKILL");
  await running.exited;
  assert.ok(!running.output().includes("trouble"), running.output());
  // The last lines may not have been split yet.
  return [...running.output().matchAll(/^saved (\d+)$/gm)].map(([, number]) => Number(number));
}

it(`a writer that is killed at ${kills} random moments loses nothing that it acknowledged, and leaves nothing half`, async (context) => {
  const folder = await makeTempFolder();
  let last = 0;
  let unacknowledged = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const acknowledged = await killOne(folder);
    const expected = Array.from({ length: acknowledged.length }, (_, at) => last + at + 1);
    assert.deepEqual(acknowledged, expected);
    const store = new SqliteStore({
      ...{ folder, runtimeFolder: folder, program: "0.2.0" },
      onTrouble: (detail) => assert.fail(detail),
      onSound: () => undefined,
    });
    closeAtTestEnd(() => store.close());
    const documents = new TreeDocumentStore({
      store,
      secrets: noSecrets,
      folder: "/",
      program: "0.2.0",
    });
    const latest = await documents.latest();
    const newest = latest?.record.revision ?? 0;
    const lastAcknowledged = acknowledged.at(-1) ?? last;
    // One more may have been saved, but not yet acknowledged.
    assert.ok([lastAcknowledged, lastAcknowledged + 1].includes(newest), `${newest}`);
    unacknowledged += newest - lastAcknowledged;
    if (latest !== undefined) {
      assert.deepEqual(latest.document, largeDocument(40, newest));
      assert.deepEqual(latest.file, latest.document);
    }
    last = newest;
    if (kill === kills - 1) {
      const copy = new MemoryStore();
      await readBackup(bytesOf(writeBackup(store, "0.2.0")), copy);
      const history = await new TreeDocumentStore({
        ...{ store: copy, secrets: noSecrets, folder: "/", program: "0.2.0" },
      }).history(Number.MAX_SAFE_INTEGER, last);
      assert.ok(history.length >= Math.min(last, historyBound), `${history.length} of ${last}`);
      assert.deepEqual(
        history.map(({ revision }) => revision),
        Array.from(history, (_, at) => last - at),
      );
    }
    await documents.close();
  }
  context.diagnostic(`${last} revisions, ${unacknowledged} of them not acknowledged`);
});
