import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { closeAtTestEnd } from "./lifetime.ts";

export type FileContents = Readonly<Record<string, string | Uint8Array>>;

/** A folder that goes away with the test. Set TLSD_TEST_KEEP=1 to look at it afterwards. */
export async function makeTempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tlsd-"));
  // A director that root has started becomes another user, which needs access to what is below.
  await chmod(folder, 0o755);
  closeAtTestEnd(async () => {
    if (process.env["TLSD_TEST_KEEP"] === undefined) {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  });
  return folder;
}

/** Writes files below `folder`, those that hold a private key with mode 0600. */
export async function writeFiles(folder: string, files: FileContents): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    const isSecret = typeof content === "string" && content.includes("PRIVATE KEY-----");
    await writeFile(target, content, { mode: isSecret ? 0o600 : 0o644 });
  }
}
