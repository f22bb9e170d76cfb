import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { MemoryStore } from "../memory-store.ts";
import { chunksOfFile, restoreData } from "./restore-data.ts";
import { writeBackup } from "./write-backup.ts";

const program = "0.2.0";

async function* emptyBackup(): AsyncGenerator<Uint8Array, void> {
  for await (const line of writeBackup(new MemoryStore(), program)) yield Buffer.from(line);
}

describe("the data folder of a restore", () => {
  it("is that of the document, relative to the folder of the document", async () => {
    const folder = await makeTempFolder();
    const configPath = join(folder, "director.yaml");
    writeFileSync(configPath, "director: { data: state/here }\n");
    mkdirSync(join(folder, "state"));
    const { dataPath } = await restoreData(
      emptyBackup(),
      { dataPath: undefined, configPath },
      program,
    );
    assert.equal(dataPath, join(folder, "state/here"));
    assert.ok(existsSync(join(dataPath, "state.db")));
  });

  it("is named if the document cannot be read", async () => {
    const configPath = join(await makeTempFolder(), "director.yaml");
    writeFileSync(configPath, "director: [");
    const target = { dataPath: undefined, configPath };
    const code = "document-unreadable";
    await assert.rejects(restoreData(emptyBackup(), target, program), { code });
    const device = { dataPath: undefined, configPath: "/dev/zero" };
    await assert.rejects(restoreData(emptyBackup(), device, program), { code });
  });

  it("is as it was if the file of the backup cannot be read", async () => {
    const dataPath = join(await makeTempFolder(), "data");
    const target = { dataPath, configPath: undefined };
    const chunks = chunksOfFile(join(dataPath, "no.backup"));
    await assert.rejects(restoreData(chunks, target, program), {
      code: "file-unreadable",
      message: /ENOENT.*no\.backup/,
    });
    assert.ok(!existsSync(join(dataPath, "state.db")));
  });
});
