import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { runToExit } from "#harness/child-process.ts";
import { requirePackage } from "#harness/packages.ts";
import { storeWriter, storeWriterEnv } from "#harness/store-writer.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { projectFolder } from "#harness/tlsd.ts";

const fixtures = join(projectFolder, "test/fixtures");
const saves = 4;
const syncDelayUs = 60_000;

interface Traced {
  /** The system calls in the order in which they ended, but writes in the order in which they began. */
  readonly calls: readonly Call[];
  readonly folder: string;
}

interface Call {
  readonly name: string;
  readonly args: string;
}

/** Runs the writer under strace, which delays each fsync of a file. */
async function trace(flags: readonly string[] = []): Promise<Traced> {
  const folder = await makeTempFolder();
  const out = join(await makeTempFolder(), "trace");
  const names = "fdatasync,fsync,pwrite64,write";
  const strace = ["-f", "-y", "-qq", "-s", "64", "-o", out, "-e", `trace=${names}`];
  const inject = ["-e", `inject=fsync,fdatasync:delay_enter=${syncDelayUs}`];
  const writer = storeWriter(folder, saves, flags);
  const { code, stderr } = await runToExit("strace", [...strace, ...inject, ...writer], {
    deadlineMs: 60_000,
    env: storeWriterEnv,
  });
  assert.equal(code, 0, stderr);
  return { calls: callsOf(await readFile(out, "utf8")), folder };
}

function callsOf(text: string): readonly Call[] {
  const begun = new Map<string, Call>();
  return text.split("\n").flatMap((line): readonly Call[] => {
    const [, pid = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, name = "", args = ""] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    const call = { name, args };
    if (rest.includes("<unfinished")) {
      if (name.includes("write")) return [call];
      begun.set(pid, call);
      return [];
    }
    if (!rest.startsWith("<...")) return name === "" ? [] : [call];
    const ended = begun.get(pid);
    begun.delete(pid);
    return ended === undefined ? [] : [ended];
  });
}

/** Returns the revisions that were acknowledged when their log was on the disk. */
function syncedBefore({ calls }: Traced): readonly number[] {
  let isWritten = false;
  let isSynced = false;
  return calls.flatMap(({ name, args }): readonly number[] => {
    const saved = /^1<.*"saved (\d+)/.exec(args)?.[1];
    if (name === "write" && saved !== undefined) {
      const isSound = isWritten && isSynced;
      isWritten = false;
      isSynced = false;
      return isSound ? [Number(saved)] : [];
    }
    if (!args.includes("state.db-wal>")) return [];
    isWritten ||= name === "pwrite64";
    isSynced = name === "fdatasync" || name === "fsync";
    return [];
  });
}

const all = Array.from({ length: saves }, (_, at) => at + 1);

it("each revision is on the disk before it is acknowledged, and the event loop is not held meanwhile", async (t) => {
  if (!(await requirePackage(t, "strace"))) return;
  const traced = await trace();
  assert.deepEqual(syncedBefore(traced), all);

  const folderSync = traced.calls.findIndex(
    ({ name, args }) => name === "fsync" && args.includes(`<${traced.folder}>`),
  );
  const firstSaved = traced.calls.findIndex(({ args }) => args.includes('"saved 1'));
  assert.ok(folderSync !== -1 && folderSync < firstSaved, "the folder of the new file");

  const lines = traced.calls.flatMap(({ name, args }) =>
    name === "write" ? (/^1<[^"]*"(\w+)/.exec(args)?.slice(1) ?? []) : [],
  );
  const ticks = lines
    .join(" ")
    .split(/saved/)
    .slice(0, saves)
    .map((part) => part.slice(part.indexOf("saving")).split("tick").length - 1);
  // Each save waits for two delayed calls.
  assert.ok(
    ticks.every((count) => count >= 2),
    ticks.join(),
  );
});

it("a store that does not wait for the disk fails this test", async (t) => {
  if (!(await requirePackage(t, "strace"))) return;
  const traced = await trace(["--import", join(fixtures, "synchronous-off.ts")]);
  assert.deepEqual(syncedBefore(traced), []);
});
