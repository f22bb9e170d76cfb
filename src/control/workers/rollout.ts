import { DirectorError } from "#model/failure.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
import type { HeldMaterial } from "#control/certificates/sources.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import { keysThatDiffer } from "#control/patched-map.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** The workers that a change is rolled out to: what a rollout uses of the pool. */
export interface Participants {
  /** Every worker that can be sent a `prepare` now. */
  participants(): readonly WorkerHandle[];
  /** Resolves when there is at least one participant. Rejects with `worker-failed` if that takes too long. */
  untilParticipant(): Promise<void>;
  /**
   * Lets a fresh worker try the change that a worker refused. Resolves to the reason if the change is refused after all,
   * and to undefined if the fresh worker accepts it.
   */
  tryOut(compiled: Compiled, round: PrepareRound): Promise<DirectorError | undefined>;
  /** Starts a successor on the saved state for each of these workers, and drains the worker. */
  replaceRefusers(refusers: Iterable<WorkerHandle>, cause?: "refused" | "unproven"): Promise<void>;
  /**
   * Makes `compiled` the state that every new worker starts from. Workers that prepared it commit it, the others are
   * brought to it, and those that refused it get a successor. `standby` has the names of the profiles that standby servers
   * serve from then on.
   */
  commitRound(compiled: Compiled, standby: readonly string[], round: PrepareRound): Promise<void>;
  /** Sends the cuts that are planned to every worker, also to those that drain. */
  tellCuts(): void;
}

/** The participants' answers to `prepare`. A participant that died or was late is in neither. */
export interface PrepareRound {
  readonly prepared: ReadonlySet<WorkerHandle>;
  readonly refusals: ReadonlyMap<WorkerHandle, DirectorError>;
}

/** A further round asks the replacements, after every participant died or refused what a fresh worker accepts. */
const MAX_ROUNDS = 3;
/** 20,000 RSA-4096 certificates with their chains take 160 million. A worker keeps all of them in memory. */
const MAX_CHARACTERS = 192 * 1_048_576;
const LISTENER_CHARACTERS = 2_000;
const CERTIFICATE_CHARACTERS = 200;
const NAME_CHARACTERS = 100;

/**
 * Brings one snapshot to all workers in two phases, with the save between them: first `prepare`, then `commit` or
 * `rollBack`.
 */
export class Rollout {
  readonly #pool: Participants;
  readonly #compiled: Compiled;
  readonly #prepared = new Set<WorkerHandle>();
  /** Refusals that a fresh worker does not share. */
  readonly #overruled = new Map<WorkerHandle, DirectorError>();

  constructor(pool: Participants, compiled: Compiled) {
    this.#pool = pool;
    this.#compiled = compiled;
  }

  /**
   * Throws a refusal only if a fresh worker refuses the change too, and after every worker has been rolled back.
   * A participant that dies or is late does not stop the change, but at least one must have prepared it: a change that no
   * worker could try is not saved.
   */
  async prepare(): Promise<void> {
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      await this.#pool.untilParticipant();
      const refusals = await this.#ask(this.#pool.participants());
      if (refusals.size > 0) await this.#lookInto(refusals);
      if (this.#prepared.size > 0) return;
      // The probe alone does not prove the change: no serving worker has opened the new addresses yet.
      if (refusals.size > 0) await this.#pool.replaceRefusers(refusals.keys());
    }
    const [refusal] = this.#overruled.values();
    throw (
      refusal ??
      new DirectorError("worker-failed", "Every worker ended while it prepared the change.")
    );
  }

  /** Resolves when no worker with an older state accepts connections. A late worker is killed, and nothing fails. */
  async commit(standby: readonly string[]): Promise<void> {
    const round = { prepared: this.#prepared, refusals: this.#overruled };
    await this.#pool.commitRound(this.#compiled, standby, round);
  }

  /** Resolves when every worker has discarded the change. */
  async rollBack(): Promise<void> {
    await Promise.all([...this.#prepared].map((worker) => worker.rollBack()));
    this.#prepared.clear();
  }

  async #ask(
    participants: readonly WorkerHandle[],
  ): Promise<ReadonlyMap<WorkerHandle, DirectorError>> {
    const refusals = new Map<WorkerHandle, DirectorError>();
    const askOne = async (worker: WorkerHandle): Promise<void> => {
      const outcome = await worker.prepare(this.#compiled);
      if (outcome === "prepared") this.#prepared.add(worker);
      else if (outcome !== "absent") refusals.set(worker, outcome);
    };
    await Promise.all(participants.map(askOne));
    return refusals;
  }

  async #lookInto(refusals: ReadonlyMap<WorkerHandle, DirectorError>): Promise<void> {
    const round = { prepared: this.#prepared, refusals };
    const reason = await this.#pool.tryOut(this.#compiled, round);
    if (reason !== undefined) {
      await this.rollBack();
      throw reason;
    }
    await this.#askAgain(refusals);
    for (const [worker, refusal] of refusals) {
      if (!this.#prepared.has(worker)) this.#overruled.set(worker, refusal);
    }
  }

  /** Another program may have had the port for a moment only. A refusal because of it says nothing about the worker. */
  async #askAgain(refusals: ReadonlyMap<WorkerHandle, DirectorError>): Promise<void> {
    const unlucky = [...refusals].filter(([, { code }]) => code === "address-in-use");
    await this.#ask(unlucky.map(([worker]) => worker));
  }
}

/** The characters of what was compiled, by its material. */
const CHARACTERS = new WeakMap<Compiled["material"], number>();

/** Throws `change-too-large` if the snapshot would take too much memory of each worker. `before` is the state in force. */
export function refuseTooLarge(compiled: Compiled, before: Compiled | undefined): void {
  const characters = (before && charactersAfter(before, compiled)) ?? charactersOf(compiled);
  CHARACTERS.set(compiled.material, characters);
  if (characters > MAX_CHARACTERS) throw new DirectorError("change-too-large");
}

/** Computes the characters from those of the state before. Returns undefined if more than certificates has changed. */
function charactersAfter(before: Compiled, { snapshot, material }: Compiled): number | undefined {
  const known = CHARACTERS.get(before.material);
  const names = keysThatDiffer(before.snapshot.certificates, snapshot.certificates);
  const ids = keysThatDiffer(before.material, material);
  const isSameRest = before.snapshot.listeners === snapshot.listeners;
  if (known === undefined || names === undefined || ids === undefined || !isSameRest) {
    return undefined;
  }
  let characters = known;
  for (const name of names) {
    characters += charactersOfCertificate(snapshot.certificates.get(name));
    characters -= charactersOfCertificate(before.snapshot.certificates.get(name));
  }
  for (const id of ids) {
    characters += charactersOfMaterial(material.get(id));
    characters -= charactersOfMaterial(before.material.get(id));
  }
  return characters;
}

function charactersOf({ snapshot, material }: Compiled): number {
  let characters = snapshot.listeners.length * LISTENER_CHARACTERS;
  for (const one of snapshot.certificates.values()) characters += charactersOfCertificate(one);
  for (const one of material.values()) characters += charactersOfMaterial(one);
  return characters;
}

const charactersOfCertificate = (certificate: SnapshotCertificate | undefined): number =>
  certificate?.names.reduce((sum, name) => sum + name.length, CERTIFICATE_CHARACTERS) ?? 0;

function charactersOfMaterial(material: HeldMaterial | undefined): number {
  if (material === undefined) return 0;
  switch (material.kind) {
    case "certificate":
      return material.chainPem.length + material.key.length;
    case "trust":
      return material.caPem.length + (material.crlPem?.length ?? 0);
    case "names":
      return material.entries.length * NAME_CHARACTERS;
    default:
      return material satisfies never;
  }
}
