/**
 * The thread that looks at many files. A synchronous look takes 3 us, where one of the main thread takes 50 us of several threads.
 * A file system that does not answer then holds only this thread.
 */
import { statSync } from "node:fs";
import { isMainThread, parentPort } from "node:worker_threads";
import { errorCodeOf } from "#model/error-code.ts";
import { signatureOf } from "../read-bounded-file.ts";

/** The files of one source. A path is undefined if it must not be looked at. */
export type WatchedFiles = readonly (string | undefined)[];

export interface WatchRequest {
  /** The files of all sources. Absent if they are as before. */
  readonly files?: readonly WatchedFiles[];
}

export interface WatchReply {
  /**
   * How the files of sources look now, by the position of the source. Contains only those that look different than before, or
   * all if the request had the files.
   */
  readonly changed: readonly (readonly [position: number, looks: string])[];
  /** The processor time of the looks. */
  readonly busyMs: number;
}

/** Differs from before if the file may have changed. Only then is the signature computed, which takes longer. */
interface QuickLook {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly size: number;
  readonly ino: number;
  readonly dev: number;
}

class Watched {
  readonly #files: WatchedFiles;
  readonly #seen: (QuickLook | undefined)[] = [];
  /** How the files looked last. */
  looks: string | undefined;

  constructor(files: WatchedFiles) {
    this.#files = files;
  }

  /** Returns whether the files look different than before. */
  look(): boolean {
    const before = this.looks;
    if (before !== undefined && this.#files.every((path, at) => this.#isAsSeen(path, at))) {
      return false;
    }
    this.looks = this.#files.map((path, at) => this.#lookAt(path, at)).join(" ");
    return this.looks !== before;
  }

  #isAsSeen(path: string | undefined, at: number): boolean {
    const seen = this.#seen[at];
    if (path === undefined) return true;
    if (seen === undefined) return false;
    try {
      const now = statSync(path);
      return (
        now.mtimeMs === seen.mtimeMs &&
        now.ctimeMs === seen.ctimeMs &&
        now.size === seen.size &&
        now.ino === seen.ino &&
        now.dev === seen.dev
      );
    } catch {
      return false;
    }
  }

  #lookAt(path: string | undefined, at: number): string {
    this.#seen[at] = undefined;
    if (path === undefined) return OUTSIDE;
    try {
      // The quick look comes first. A change between the two is then found in the next look.
      const { mtimeMs, ctimeMs, size, ino, dev } = statSync(path);
      const signature = signatureOf(statSync(path, { bigint: true }));
      this.#seen[at] = { mtimeMs, ctimeMs, size, ino, dev };
      return signature;
    } catch (error) {
      return errorCodeOf(error) ?? "unknown";
    }
  }
}

/** How a file looks that must not be looked at. */
export const OUTSIDE = "outside";

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  /** By the paths of the files. */
  let watched = new Map<string, Watched>();
  /** The entries of `watched` in the order of the sources. Sources with the same files have the same entry. */
  let order: readonly Watched[] = [];
  port.on("message", ({ files }: WatchRequest) => {
    const before = process.threadCpuUsage();
    if (files !== undefined) {
      const known = watched;
      const keys = files.map((paths) => [JSON.stringify(paths), paths] as const);
      watched = new Map(keys.map(([key, paths]) => [key, known.get(key) ?? new Watched(paths)]));
      order = keys.flatMap(([key]) => watched.get(key) ?? []);
    }
    const news = new Set(watched.values().filter((one) => one.look()));
    const changed = order.flatMap((one, position): WatchReply["changed"] => {
      const isNews = news.has(one) || files !== undefined;
      return isNews && one.looks !== undefined ? [[position, one.looks]] : [];
    });
    const { user, system } = process.threadCpuUsage(before);
    const reply: WatchReply = { changed, busyMs: (user + system) / 1_000 };
    // A port has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    port.postMessage(reply);
  });
}
