import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { largeDocument } from "#harness/large-document.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { mountDataFolder, tryMountReason } from "#harness/mounted-folder.ts";
import { copyLandedState, landedDocument } from "#harness/state-fixture.ts";
import { storeWriter, storeWriterEnv } from "#harness/store-writer.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { TreeDocumentStore } from "../tree-document-store.ts";
import { SqliteStore } from "./sqlite-store.ts";

const reason = await tryMountReason();
const mayMount = reason === undefined ? {} : { skip: reason };
const program = "0.2.0";
const by = { origin: "file" as const };
const unwritable = { code: "state-unwritable" };

interface Opened {
  readonly documents: TreeDocumentStore;
  readonly told: string[];
  readonly runtimeFolder: string;
}

async function openIn(folder: string): Promise<Opened> {
  const told: string[] = [];
  const runtimeFolder = await makeTempFolder();
  const store = new SqliteStore({
    ...{ folder, runtimeFolder, program, retryMs: 50 },
    onTrouble: (detail) => told.push(detail),
    onSound: () => told.push("sound"),
  });
  const documents = new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/etc/tlsd",
    program,
  });
  closeAtTestEnd(() => documents.close());
  return { documents, told, runtimeFolder };
}

const save = (documents: TreeDocumentStore, parent: number): Promise<unknown> => {
  const document = largeDocument(20, parent + 1);
  return documents.save({ parent, document, file: document, by, cause: "change" });
};

/** Leaves what a process leaves that was killed. Returns the newest revision. */
async function killWriter(folder: string): Promise<number> {
  const [command, ...args] = storeWriter(folder, 3);
  const running = await startProcess(command, args, { env: storeWriterEnv });
  await eventually(
    () => running.output().includes("saved 2"),
    60_000,
    () => running.output(),
  );
  running.child.kill("SIGKILL");
  await running.exited;
  return running.output().includes("saved 3") ? 3 : 2;
}

describe("a store whose disk is full", mayMount, () => {
  it("refuses to save, reads everything, and saves again when there is room", async () => {
    const disk = await mountDataFolder();
    const folder = join(disk.folder, "data");
    const { documents, told } = await openIn(folder);
    await save(documents, 0);
    await save(documents, 1);
    disk.fill();
    await assert.rejects(save(documents, 2), unwritable);
    assert.match(told.at(-1) ?? "", /state\.db: /);
    assert.equal((await documents.latest())?.record.revision, 2);
    assert.deepEqual((await documents.revision(1)).document, largeDocument(20, 1));
    disk.free();
    await eventually(() => told.at(-1) === "sound");
    await save(documents, 2);
    assert.deepEqual((await documents.latest())?.document, largeDocument(20, 3));
  });

  for (const end of ["closed", "killed"]) {
    it(`reads what was saved before it was opened, by one that was ${end}`, async () => {
      const disk = await mountDataFolder();
      const folder = join(disk.folder, "data");
      let newest = 1;
      if (end === "killed") {
        newest = await killWriter(folder);
      } else {
        const { documents } = await openIn(folder);
        await save(documents, 0);
        await documents.close();
      }
      disk.fill();
      const { documents, told } = await openIn(folder);
      const latest = await documents.latest();
      assert.ok([newest, newest + 1].includes(latest?.record.revision ?? 0));
      assert.deepEqual(latest?.document, latest?.file);
      await assert.rejects(save(documents, latest?.record.revision ?? 0), unwritable);
      disk.free();
      await eventually(() => told.at(-1) === "sound");
      await save(documents, latest?.record.revision ?? 0);
    });
  }

  it("is empty if there was nothing, and saves when there is room", async () => {
    const disk = await mountDataFolder();
    disk.fill();
    const { documents, told } = await openIn(join(disk.folder, "data"));
    assert.equal(await documents.latest(), undefined);
    await assert.rejects(save(documents, 0), unwritable);
    disk.free();
    await eventually(() => told.at(-1) === "sound");
    await save(documents, 0);
  });
});

describe("a store on a read-only disk", mayMount, () => {
  for (const end of ["closed", "killed"]) {
    it(`reads what was saved by one that was ${end}, and saves when it can be written`, async () => {
      const disk = await mountDataFolder();
      const folder = join(disk.folder, "data");
      if (end === "killed") {
        await killWriter(folder);
      } else {
        const { documents } = await openIn(folder);
        await save(documents, 0);
        await documents.close();
      }
      await disk.setReadOnly(true);
      const { documents, told, runtimeFolder } = await openIn(folder);
      const latest = await documents.latest();
      const newest = latest?.record.revision ?? 0;
      assert.ok(end === "killed" ? newest >= 2 : newest === 1, String(newest));
      assert.deepEqual(readdirSync(runtimeFolder), []);
      assert.deepEqual((await documents.revision(1)).record.revision, 1);
      await assert.rejects(save(documents, newest), unwritable);
      await disk.setReadOnly(false);
      await eventually(() => told.at(-1) === "sound");
      await save(documents, newest);
    });
  }

  it("reads the newest revision of the version before, and converts it when it can be written", async () => {
    const disk = await mountDataFolder();
    const folder = join(disk.folder, "data");
    await copyLandedState(folder);
    await disk.setReadOnly(true);
    const { documents, told } = await openIn(folder);
    const latest = await documents.latest();
    assert.deepEqual([latest?.record.revision, latest?.document], [3, await landedDocument()]);
    assert.deepEqual(latest?.file, latest?.document);
    await disk.setReadOnly(false);
    await eventually(() => told.at(-1) === "sound");
    await save(documents, 3);
    await eventually(async () => (await documents.history(9, 9)).length === 4);
  });
});
