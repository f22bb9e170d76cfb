import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import { runToExit } from "./child-process.ts";
import { closeAtTestEnd } from "./lifetime.ts";

/** A folder of a director whose data folder is a small file system of its own; both go away with the test. */
export interface MountedFolder {
  readonly folder: string;
  /** Leaves not a byte free. */
  fill(): void;
  /** Takes back what `fill` wrote. */
  free(): void;
  setReadOnly(isReadOnly: boolean): Promise<void>;
}

const smallKb = 512;
const fillName = "fill";

/** Why there are none here; undefined where there are. */
export async function tryMountReason(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can mount a file system";
  const { code, stderr } = await runToExit("unshare", [
    ...["--mount", "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
  ]);
  return code === 0 ? undefined : `no file system can be mounted here: ${stderr.trim()}`;
}

/** A tmpfs of 512 KiB, unless told. */
export async function mountDataFolder(sizeKb = smallKb): Promise<MountedFolder> {
  const folder = await mkdtemp(join(tmpdir(), "tlsd-"));
  await chmod(folder, 0o755);
  const path = join(folder, "data");
  await mkdir(path);
  await mount("-t", "tmpfs", "-o", `size=${sizeKb}k,mode=0700`, "tmpfs", path);
  // This is one step because steps run in the order in which they are registered.
  closeAtTestEnd(async () => {
    await runToExit("umount", ["--lazy", path]);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return {
    folder,
    fill: () => writeUntilFull(join(path, fillName), sizeKb),
    free: () => rmSync(join(path, fillName)),
    setReadOnly: (isReadOnly) => mount("-o", `remount,${isReadOnly ? "ro" : "rw"}`, path),
  };
}

async function mount(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runToExit("mount", args);
  if (code !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
}

function writeUntilFull(path: string, sizeKb: number): void {
  const file = openSync(path, "w");
  try {
    // Pages are what is counted: the last write may take only a part.
    for (let at = 0; at <= sizeKb; at += 1) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    if (errorCodeOf(error) !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
}
