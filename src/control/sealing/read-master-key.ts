import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { textOfPlace, type KeyPlace } from "./key-places.ts";
import { tryParseMasterKey, type MasterKey } from "./master-key.ts";

/** What is at the place of a master key. */
export type KeyReading =
  | { readonly kind: "key"; readonly key: MasterKey }
  /** The file does not exist. */
  | { readonly kind: "absent"; readonly path: string }
  /** `reason` is a sentence. */
  | { readonly kind: "unusable"; readonly reason: string };

/** A key has 45 bytes. */
const MAX_BYTES = 1024;
const DEADLINE_MS = 10_000;

/** Descriptors that root opened before the control process changed its user, by path. */
export type OpenedFiles = ReadonlyMap<string, number>;

/** Reads the key at a place. A descriptor that was opened for it is closed. */
export async function readMasterKey(
  place: KeyPlace,
  opened: OpenedFiles = new Map(),
  deadlineMs = DEADLINE_MS,
): Promise<KeyReading> {
  if (place.kind === "command") return readCommand(place, deadlineMs);
  const { path } = place;
  if (path === undefined) {
    return unusable(place, "systemd passes no credentials to the director");
  }
  const descriptor = opened.get(path);
  try {
    const text =
      descriptor === undefined
        ? await inTime(readFile(path, place.kind), deadlineMs)
        : readDescriptor(descriptor, place.kind);
    return parsed(place, text);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT" && place.kind === "file") return { kind: "absent", path };
    return unusable(place, reasonOf(error));
  }
}

class WrongFileError extends Error {}

/** A file system of another host may not answer. */
async function inTime<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new WrongFileError(`It could not be read within ${deadlineMs / 1_000} s`)),
    deadlineMs,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readFile(path: string, kind: KeyPlace["kind"]): Promise<Buffer> {
  // Without O_NONBLOCK, opening a named pipe waits for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    checkFile(await file.stat(), kind);
    const buffer = Buffer.alloc(MAX_BYTES);
    const { bytesRead } = await file.read(buffer, 0, MAX_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function readDescriptor(descriptor: number, kind: KeyPlace["kind"]): Buffer {
  try {
    checkFile(fstatSync(descriptor), kind);
    const buffer = Buffer.alloc(MAX_BYTES);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, MAX_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}

function checkFile(stat: Stats, kind: KeyPlace["kind"]): void {
  if (!stat.isFile()) throw new WrongFileError("It is not a regular file");
  // systemd closes the folder of the credentials to other users, and shows the access list of a credential as a mode of 0440.
  if (kind === "credential") return;
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new WrongFileError(
      `It is accessible to other users (mode ${mode.toString(8).padStart(4, "0")}, which must be 0600)`,
    );
  }
  if (stat.uid !== 0 && stat.uid !== process.getuid?.()) {
    throw new WrongFileError(`It belongs to another user (uid ${stat.uid})`);
  }
}

/** Runs the command without a shell. Its standard error is ignored, because it may contain the key. */
function readCommand(
  place: Extract<KeyPlace, { readonly kind: "command" }>,
  deadlineMs: number,
): Promise<KeyReading> {
  const [file = "", ...args] = place.command;
  const { promise, resolve } = Promise.withResolvers<KeyReading>();
  const child = spawn(file, args, {
    cwd: "/",
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const chunks: Buffer[] = [];
  let length = 0;
  const end = (reading: KeyReading): void => {
    clearTimeout(timer);
    for (const chunk of chunks) chunk.fill(0);
    child.stdout.destroy();
    resolve(reading);
  };
  const stop = (reason: string): void => {
    killGroup(child.pid);
    end(unusable(place, reason));
  };
  const timer = setTimeout(() => stop(`It did not end within ${deadlineMs / 1_000} s`), deadlineMs);
  child.once("error", (error) => end(unusable(place, reasonOf(error))));
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) stop("It printed too much");
  });
  child.once("close", (code, signal) => {
    if (code === 0) end(parsed(place, Buffer.concat(chunks)));
    else end(unusable(place, `It ended with ${signal ?? `exit code ${code}`}`));
  });
  return promise;
}

/** The command may have started other processes, which are in its process group. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function parsed(place: KeyPlace, text: Buffer): KeyReading {
  const key = tryParseMasterKey(text);
  return key === undefined
    ? unusable(place, "It is not the base64 of 32 bytes")
    : { kind: "key", key };
}

const unusable = (place: KeyPlace, reason: string): KeyReading => ({
  kind: "unusable",
  reason: `The master key cannot be read from ${textOfPlace(place)}. ${reason}.`,
});

function reasonOf(error: unknown): string {
  if (error instanceof WrongFileError) return error.message;
  const code = errorCodeOf(error);
  if (code === "EACCES" || code === "EPERM") return "The user of the director may not read it";
  if (code === "ENOENT") return "It does not exist";
  return `Reading it failed with ${code ?? String(error)}`;
}
