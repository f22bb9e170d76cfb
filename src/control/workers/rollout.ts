import { DirectorError } from "#model/failure.ts";
import { MAX_FRAME_BYTES_TO_WORKER } from "#protocol/channel-limits.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { Worker } from "./worker.ts";

/** What a rollout needs of the pool. */
export interface Electorate {
  /** Every worker that can be asked now. */
  voters(): readonly Worker[];
  /** Resolves when there is one again, rejects with `worker-failed` when it takes too long. */
  untilVoter(): Promise<void>;
  /**
   * Has a fresh worker try the change that a worker refused. Resolves to the reason why it is refused after all, and to
   * undefined if the fresh worker takes it.
   */
  tryOut(compiled: Compiled, ballot: Ballot): Promise<DirectorError | undefined>;
  /** Has a fresh worker try a change that no worker was asked about. Rejects with the reason if it is refused. */
  tryFirst(compiled: Compiled): Promise<void>;
  /** Gives each a successor on the saved state and lets it drain. */
  succeed(refusers: Iterable<Worker>): Promise<void>;
  /**
   * Makes `compiled` the state that every new worker starts from, takes to it those that have not prepared it, and
   * gives those that refused it a successor.
   */
  settleOn(compiled: Compiled, ballot: Ballot): Promise<void>;
}

/** How the workers voted on a change. */
export interface Ballot {
  readonly prepared: ReadonlySet<Worker>;
  readonly refusals: ReadonlyMap<Worker, DirectorError>;
}

/** Replacements are asked so many times when every worker has died over a change, or refused what a fresh one takes. */
const MAX_BALLOTS = 3;
/** How much of the largest frame may be filled by this estimate, which leaves out quotes and escapes. */
const MAX_FILL = 0.75;
const LISTENER_CHARACTERS = 2_000;
const CERTIFICATE_CHARACTERS = 200;

/**
 * One snapshot on its way to all workers, in two phases with the save between them: `prepare`, then `commit` or
 * `rollBack`.
 */
export class Rollout {
  readonly #electorate: Electorate;
  readonly #compiled: Compiled;
  readonly #prepared = new Set<Worker>();
  /** Refusals that a fresh worker does not share. */
  readonly #overruled = new Map<Worker, DirectorError>();

  constructor(electorate: Electorate, compiled: Compiled) {
    this.#electorate = electorate;
    this.#compiled = compiled;
  }

  /** Has a fresh worker try the change and leaves every other worker as it is. Throws the reason if it is refused. */
  async dryRun(): Promise<void> {
    if (isTooLarge(this.#compiled)) throw new DirectorError("change-too-large");
    await this.#electorate.tryFirst(this.#compiled);
  }

  /**
   * Only a refusal that a fresh worker shares turns the change down: it is thrown when every worker is back where it was.
   * A worker that dies or is late has no vote, but one must have prepared it: what nobody could try is not to be saved.
   */
  async prepare(): Promise<void> {
    if (isTooLarge(this.#compiled)) throw new DirectorError("change-too-large");
    for (let ballot = 1; ballot <= MAX_BALLOTS; ballot += 1) {
      await this.#electorate.untilVoter();
      const refusals = await this.#ask(this.#electorate.voters());
      if (refusals.size > 0) await this.#lookInto(refusals);
      if (this.#prepared.size > 0) return;
      // Nobody listens on the new addresses yet, and one worker alone may have been wrong about them.
      if (refusals.size > 0) await this.#electorate.succeed(refusals.keys());
    }
    const [refusal] = this.#overruled.values();
    throw (
      refusal ??
      new DirectorError("worker-failed", "Every worker ended while it prepared the change.")
    );
  }

  /** Resolves when no worker with an older state accepts connections. Whoever is late is killed; nothing fails. */
  async commit(): Promise<void> {
    const ballot = { prepared: this.#prepared, refusals: this.#overruled };
    await this.#electorate.settleOn(this.#compiled, ballot);
  }

  /** Resolves when no worker knows of the change any more. */
  async rollBack(): Promise<void> {
    await Promise.all([...this.#prepared].map((worker) => worker.rollBack()));
    this.#prepared.clear();
  }

  async #ask(voters: readonly Worker[]): Promise<ReadonlyMap<Worker, DirectorError>> {
    const refusals = new Map<Worker, DirectorError>();
    const askOne = async (worker: Worker): Promise<void> => {
      const vote = await worker.prepare(this.#compiled);
      if (vote === "prepared") this.#prepared.add(worker);
      else if (vote !== "absent") refusals.set(worker, vote);
    };
    await Promise.all(voters.map(askOne));
    return refusals;
  }

  async #lookInto(refusals: ReadonlyMap<Worker, DirectorError>): Promise<void> {
    const ballot = { prepared: this.#prepared, refusals };
    const reason = await this.#electorate.tryOut(this.#compiled, ballot);
    if (reason !== undefined) {
      await this.rollBack();
      throw reason;
    }
    for (const [worker, refusal] of refusals) this.#overruled.set(worker, refusal);
  }
}

/** Whether the snapshot is too large for a worker that starts from nothing. */
function isTooLarge({ snapshot, material }: Compiled): boolean {
  let characters = 0;
  for (const { certificates } of snapshot.listeners) {
    characters += LISTENER_CHARACTERS;
    for (const { names } of certificates) {
      characters += names.reduce((sum, name) => sum + name.length, CERTIFICATE_CHARACTERS);
    }
  }
  for (const one of material.values()) {
    characters +=
      one.kind === "certificate"
        ? one.chainPem.length + one.keyPem.length
        : one.caPem.length + (one.crlPem?.length ?? 0);
  }
  return characters > MAX_FILL * MAX_FRAME_BYTES_TO_WORKER;
}
