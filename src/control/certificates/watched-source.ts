import { stat } from "node:fs/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError, type FailureCode, type Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { signatureOf } from "../read-bounded-file.ts";
import type { DocumentSource, SourceVersion } from "./document-sources.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { asWarning, problemsOfError } from "./load-sources.ts";

/** Refusals that may end without a change of the files. */
const PASSING_PROBLEMS: readonly string[] = ["file-unreadable", "certificate-not-yet-valid"];
const POLLS_TO_RETRY = 30;
const POLLS_TO_RETRY_SOON = 3;
/** What the workers refused says something about the files. Any other failure of the change says nothing about them. */
const REFUSAL_CODES: readonly FailureCode[] = [
  "listener-unusable",
  "worker-refused",
  "engine-lacks-key",
];

/** For a version that the workers did not take. */
export type TakeBack = (cause: unknown) => void;

/** One certificate or CA bundle: its last good version, and what its files looked like when they were last read. */
export class WatchedSource<Version extends SourceVersion> {
  readonly key: string;
  #version: Version | undefined;
  #isRefused = false;
  /** The files are good, but the change to them failed: they are read again soon. */
  #isToRetry = false;
  #problems: readonly Problem[] = [];
  readonly #source: DocumentSource<Version>;
  #seen: string;
  #pollsSinceRead = 0;

  constructor(source: DocumentSource<Version>, version: Version | undefined) {
    this.key = source.key;
    this.#source = source;
    this.#version = version;
    this.#seen = (version?.files ?? []).map(({ signature }) => signature).join(" ");
  }

  get version(): Version | undefined {
    return this.#version;
  }

  /** Whether newer files are there that are not served. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** The refusal, or warnings of the version that is served. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** What the files look like now, if they are to be read; undefined if not. */
  async tryNews(): Promise<string | undefined> {
    this.#pollsSinceRead += 1;
    const now = await this.#look();
    return now !== this.#seen || this.#isRetryDue() ? now : undefined;
  }

  /** Reads the files if they still look the same. With another version than before: how to take it back. */
  async refresh(
    looks: string,
    nowMs: number,
    reader: MaterialReader,
  ): Promise<TakeBack | undefined> {
    if ((await this.#look()) !== looks) return undefined;
    this.#seen = looks;
    this.#pollsSinceRead = 0;
    this.#isToRetry = false;
    try {
      const before = this.#version;
      const { version, warnings } = await this.#source.read(nowMs, reader);
      this.#version = version;
      this.#isRefused = false;
      this.#problems = warnings;
      return version.id === before?.id
        ? undefined
        : (cause) => this.#goBackTo(before, cause, reader);
    } catch (error) {
      this.#refuse(problemsOfError(error, this.#source, reader));
      return undefined;
    }
  }

  #goBackTo(version: Version | undefined, cause: unknown, reader: MaterialReader): void {
    this.#version = version;
    this.#isToRetry = !(cause instanceof DirectorError && REFUSAL_CODES.includes(cause.code));
    const isTheirs = cause instanceof DirectorError && cause.code !== "internal";
    this.#refuse(
      isTheirs
        ? [problemOf("certificate-unusable", this.#source.place, cause.message)]
        : problemsOfError(cause, this.#source, reader),
    );
  }

  #refuse(problems: readonly Problem[]): void {
    this.#isRefused = true;
    this.#problems = problems.map(asWarning);
  }

  #isRetryDue(): boolean {
    const hasReaderFailed = this.#problems.some(({ code }) => code === "reader-failed");
    if (this.#isToRetry || hasReaderFailed) return this.#pollsSinceRead >= POLLS_TO_RETRY_SOON;
    const isPassing = this.#problems.some(({ code }) => PASSING_PROBLEMS.includes(code));
    return this.#isRefused && isPassing && this.#pollsSinceRead >= POLLS_TO_RETRY;
  }

  async #look(): Promise<string> {
    const looks = this.#source.paths.map(async (path) => {
      try {
        return signatureOf(await stat(path, { bigint: true }));
      } catch (error) {
        return errorCodeOf(error) ?? "unknown";
      }
    });
    return (await Promise.all(looks)).join(" ");
  }
}
