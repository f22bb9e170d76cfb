import { DirectorError } from "#model/failure.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { Worker } from "./worker.ts";

/** What a rollout needs of the pool. */
export interface Electorate {
  /** Every worker that can be asked now. */
  voters(): readonly Worker[];
  /** Resolves when there is one again, rejects with `worker-failed` when it takes too long. */
  untilVoter(): Promise<void>;
  /** Makes `compiled` the state that every new worker starts from, and takes to it those who have not prepared it. */
  settleOn(compiled: Compiled, prepared: ReadonlySet<Worker>): Promise<void>;
}

/** Replacements are asked so many times when every worker has died over a change. */
const MAX_BALLOTS = 3;

/**
 * One snapshot on its way to all workers, in two phases with the save between them: `prepare`, then `commit` or
 * `rollBack`.
 */
export class Rollout {
  readonly #electorate: Electorate;
  readonly #compiled: Compiled;
  readonly #prepared = new Set<Worker>();

  constructor(electorate: Electorate, compiled: Compiled) {
    this.#electorate = electorate;
    this.#compiled = compiled;
  }

  /**
   * Only a refusal turns the change down: it is thrown when every worker is back where it was. A worker that dies or is
   * late has no vote, but one must have prepared it: what nobody could try is not to be saved.
   */
  async prepare(): Promise<void> {
    for (let ballot = 1; ballot <= MAX_BALLOTS; ballot += 1) {
      await this.#electorate.untilVoter();
      const refusal = await this.#ask(this.#electorate.voters());
      if (refusal !== undefined) {
        await this.rollBack();
        throw refusal;
      }
      if (this.#prepared.size > 0) return;
    }
    throw new DirectorError("worker-failed", "Every worker ended while it prepared the change.");
  }

  /** Resolves when no worker with an older state accepts connections. Whoever is late is killed; nothing fails. */
  async commit(): Promise<void> {
    await this.#electorate.settleOn(this.#compiled, this.#prepared);
  }

  /** Resolves when no worker knows of the change any more. */
  async rollBack(): Promise<void> {
    await Promise.all([...this.#prepared].map((worker) => worker.rollBack()));
    this.#prepared.clear();
  }

  async #ask(voters: readonly Worker[]): Promise<DirectorError | undefined> {
    let refusal: DirectorError | undefined;
    const askOne = async (worker: Worker): Promise<void> => {
      const vote = await worker.prepare(this.#compiled);
      if (vote === "prepared") this.#prepared.add(worker);
      else if (vote !== "absent") refusal ??= vote;
    };
    await Promise.all(voters.map(askOne));
    return refusal;
  }
}
