import { DirectorError, type FailureShape, type Problem } from "#model/failure.ts";
import { isAdvice } from "#model/problem.ts";
import { socketAddressOf } from "#model/names.ts";
import type { Snapshot } from "#model/snapshot.ts";
import type { ChangeResult } from "./change.ts";
import type { ChangeOutcome } from "./telemetry/director-metrics.ts";
import type { Logger } from "./telemetry/log.ts";

type OnChangeEnded = (outcome: ChangeOutcome, seconds: number) => void;

/** Says in the log and in the metrics what became of each change. */
export class ChangeLog {
  readonly #log: Logger;
  readonly #onEnded: OnChangeEnded;
  #lastRefusal: string | undefined;

  constructor(log: Logger, onEnded: OnChangeEnded) {
    this.#log = log;
    this.#onEnded = onEnded;
  }

  /** Why the last change was refused, when it was. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  document(change: () => Promise<ChangeResult>): Promise<ChangeResult> {
    return this.#follow("document-refused", change, ({ before, after }, seconds) => {
      const facts = { revision: after?.revision, snapshot: after?.compiled.snapshot.number };
      if (after === before) {
        this.#log.info({ event: "document-unchanged", ...facts }, "The document has not changed.");
        return;
      }
      this.#listening(before?.compiled.snapshot, after?.compiled.snapshot);
      this.#log.info(
        { event: "document-applied", ...facts, seconds },
        `Revision ${after?.revision} of the document is in force.`,
      );
    });
  }

  certificates(change: () => Promise<ChangeResult>): Promise<ChangeResult> {
    return this.#follow("certificate-refused", change, ({ before, after }, seconds) => {
      if (before === undefined || after === undefined || after === before) return;
      const certificates = [...after.sources.certificates].filter(
        ([name, { id }]) => before.sources.certificates.get(name)?.id !== id,
      );
      const names = certificates.map(([name]) => name);
      const snapshot = after.compiled.snapshot.number;
      this.#log.info(
        { event: "certificate-changed", certificates: names, snapshot, seconds },
        `New handshakes get the new files of ${names.join(", ") || "the CAs"}.`,
      );
    });
  }

  /** What was found in files that are watched; the versions before stay. */
  certificateProblems(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (isAdvice(problem)) {
        this.#log.warn({ event: "certificate-warning", ...problem }, problem.message);
      } else {
        this.#log.error({ event: "certificate-refused", ...problem }, problem.message);
      }
    }
  }

  warnings(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (problem.severity !== "warning") continue;
      this.#log.warn({ event: "document-warning", ...problem }, problem.message);
    }
  }

  needsRestart(): void {
    this.#log.warn(
      { event: "restart-needed" },
      "Settings under `director` have changed; they take effect at the next start.",
    );
  }

  async #follow(
    refusedEvent: string,
    change: () => Promise<ChangeResult>,
    tell: (result: ChangeResult, seconds: number) => void,
  ): Promise<ChangeResult> {
    const startedMs = performance.now();
    const secondsSoFar = (): number => Math.round(performance.now() - startedMs) / 1_000;
    try {
      const result = await change();
      this.#lastRefusal = undefined;
      this.#onEnded(result.after === result.before ? "unchanged" : "applied", secondsSoFar());
      tell(result, secondsSoFar());
      return result;
    } catch (error) {
      const failure = failureOf(error);
      this.#lastRefusal = failure.message;
      this.#onEnded("refused", secondsSoFar());
      // Whose mistake it is not, needs the stack.
      const cause = failure.code === "internal" ? { err: error } : {};
      this.#log.error({ event: refusedEvent, ...failure, ...cause }, failure.message);
      throw error;
    }
  }

  /** One line for each address that is new. */
  #listening(before: Snapshot | undefined, after: Snapshot | undefined): void {
    const known = new Set(before?.listeners.map(({ name }) => name));
    for (const { name, virtualIp, port, mode } of after?.listeners ?? []) {
      if (known.has(name)) continue;
      const address = socketAddressOf(virtualIp, port);
      this.#log.info(
        { event: "listening", listener: name, address, mode },
        `${name} listens on ${address}.`,
      );
    }
  }
}

function failureOf(error: unknown): FailureShape {
  if (error instanceof DirectorError) return error.toShape();
  return new DirectorError("internal", String(error), { cause: error }).toShape();
}
