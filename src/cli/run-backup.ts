import { DirectorError } from "#model/failure.ts";
import { streamFromAdmin } from "./admin-client.ts";
import type { BackupRequest } from "./commands/backup.ts";
import type { StandardOutput } from "./standard-output.ts";
import type { Terminal } from "./terminal.ts";
import { replaceFile, within } from "./write-file.ts";
import { jsonText } from "./json-text.ts";

/** The start of the last line of a backup. */
const TRAILER = '{"end":';
/** The last line of a backup is shorter. */
const MAX_TRAILER_BYTES = 1_024;

/** Saves the state of a running director in a file, or writes it to `output`, which is standard output. */
export async function runBackup(
  { path, socketPath, timeoutMs, isJson }: BackupRequest,
  terminal: Terminal,
  output: StandardOutput,
): Promise<void> {
  const copy = (write: (chunk: Uint8Array) => Promise<void>): Promise<number> =>
    copyBackup(socketPath, timeoutMs, write);
  if (path === "-") {
    await copy((chunk) => output.write(chunk));
    return;
  }
  let bytes = 0;
  const isPrivate = true;
  await replaceFile(
    path,
    async (file) => {
      bytes = await copy((chunk) => within(path, () => file.appendFile(chunk)));
    },
    isPrivate,
  );
  terminal.out(
    isJson
      ? jsonText({ path, bytes })
      : `${path} has the state with its history, ${bytes} bytes. It can contain passphrases, so only you may read it.\n`,
  );
}

/** Resolves to the number of bytes. Rejects with `backup-incomplete` if the last line is missing. */
async function copyBackup(
  socketPath: string,
  deadlineMs: number,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<number> {
  let bytes = 0;
  let end = Buffer.alloc(0);
  try {
    await streamFromAdmin(socketPath, "/v1/backup", deadlineMs, async (body) => {
      for await (const chunk of body) {
        bytes += chunk.length;
        end = Buffer.concat([end, chunk]).subarray(-MAX_TRAILER_BYTES);
        await write(chunk);
      }
    });
  } catch (cause) {
    const isCut = cause instanceof DirectorError && cause.code === "director-unreachable";
    if (!isCut || bytes === 0) throw cause;
    throw new DirectorError("backup-incomplete", cause.detail, { cause });
  }
  const last = end.toString("utf8").trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith(TRAILER)) throw new DirectorError("backup-incomplete");
  return bytes;
}
