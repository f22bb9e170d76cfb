import type { CertificateName } from "#model/names.ts";
import { MAX_PROOFS, type CertificateProof } from "#model/records/certificate-proof.ts";
import type { EventBus } from "../event-bus.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import type { ProofHandshake, Replies } from "../reader/jobs.ts";
import type { ProofTarget } from "./proof-targets.ts";
import type { Participants } from "./rollout.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** How many workers are asked at a time, and how many certificates one worker shows at a time. */
const WORKERS_AT_ONCE = 4;
const HANDSHAKES_AT_ONCE = 8;
const MAX_FOR_EACH_WORKER = 32;
/** After this time the workers that are left are not asked, so that workers that hang cannot hold up the changes. */
const DEADLINE_MS = 10_000;

export interface ProofParts {
  readonly pool: Pick<Participants, "participants" | "replaceRefusers">;
  /** A process that connects to workers. */
  readonly prover: Pick<MaterialReader, "read" | "warmUp">;
  readonly bus: Pick<EventBus, "publish">;
}

type Shown = Replies["proof"]["shown"][number];
type Unproven = CertificateProof["unproven"][number];

type WorkerProof = Readonly<Noted>;

/** Proves changes of certificates. */
export class CertificateProver {
  readonly #parts: ProofParts;

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /** Starts the process that connects to workers, while a change that will be proved is being prepared. */
  warmUp(): void {
    this.#parts.prover.warmUp();
  }

  /**
   * Has each worker show the new certificates in a handshake. A worker that shows another certificate or none is replaced, and
   * its successor is asked. If the successor of the first such worker does no better, the fault is not that of the workers, and
   * the others stay. Never rejects, because the change has been made.
   */
  async prove(targets: readonly ProofTarget[]): Promise<CertificateProof> {
    const { pool } = this.#parts;
    const round = new ProofRound(targets, this.#parts);
    if (!(await round.canAsk())) return round.result();
    await round.ask(pool.participants());
    const [first, ...others] = round.failed();
    if (first !== undefined) {
      await round.replace([first]);
      if (round.failed().every((worker) => others.includes(worker))) await round.replace(others);
    }
    return round.result();
  }
}

class ProofRound {
  readonly #parts: ProofParts;
  readonly #targets: readonly ProofTarget[];
  readonly #sample: readonly ProofTarget[];
  readonly #proofs = new Map<WorkerHandle, WorkerProof>();
  readonly #replaced: number[] = [];
  /** Workers that there was no time to ask. */
  readonly #unasked = new Set<WorkerHandle>();

  constructor(targets: readonly ProofTarget[], parts: ProofParts) {
    this.#parts = parts;
    this.#targets = targets;
    this.#sample = sampleOf(targets, parts.pool.participants().length);
  }

  /** Resolves to false if the process that connects to workers cannot do so. Workers are then not to blame. */
  async canAsk(): Promise<boolean> {
    const { prover, pool } = this.#parts;
    try {
      // The sockets of workers are open for a short time, so the process must have started before they are.
      await prover.read({ kind: "proof", handshakes: [] }, []);
      return true;
    } catch (error) {
      for (const worker of pool.participants()) this.#excuse(worker, textOf(error));
      return false;
    }
  }

  /** Notes that nothing was proved on the worker, for a reason that is not the fault of the worker. */
  #excuse(worker: WorkerHandle, reason: string): void {
    const proof = emptyProofOf(worker);
    noteResults(proof, this.#sample, allFailed(this.#sample, reason));
    this.#proofs.set(worker, proof);
    this.#unasked.add(worker);
  }

  /** Resolves when these workers have been asked, except those that were asked before. */
  async ask(workers: readonly WorkerHandle[]): Promise<void> {
    const endsAtMs = performance.now() + DEADLINE_MS;
    const waiting = workers.filter((worker) => !this.#proofs.has(worker));
    const askSome = async (): Promise<void> => {
      for (let worker = waiting.shift(); worker !== undefined; worker = waiting.shift()) {
        if (performance.now() < endsAtMs) this.#proofs.set(worker, await this.#askOne(worker));
        else this.#excuse(worker, "There was no time to ask it.");
      }
    };
    await Promise.all(Array.from({ length: WORKERS_AT_ONCE }, askSome));
  }

  /** The workers that serve and have not shown a new certificate. One that has ended is replaced anyway. */
  failed(): readonly WorkerHandle[] {
    return [...this.#proofs.values()]
      .filter(({ worker, unproven }) => unproven.length > 0 && worker.canParticipate)
      .map(({ worker }) => worker)
      .filter((worker) => !this.#unasked.has(worker));
  }

  /** Resolves when the successors of these workers have been asked. */
  async replace(workers: readonly WorkerHandle[]): Promise<void> {
    const { pool, bus } = this.#parts;
    for (const worker of workers) {
      this.#replaced.push(worker.id);
      for (const one of this.#proofs.get(worker)?.unproven ?? []) {
        bus.publish({ name: "certificate-unproven", isReplaced: true, ...one });
      }
      this.#proofs.delete(worker);
    }
    await pool.replaceRefusers(workers, "unproven");
    await this.ask(pool.participants());
  }

  result(): CertificateProof {
    const proofs = [...this.#proofs.values()].filter(({ worker }) => worker.canParticipate);
    const unproven = proofs.flatMap((proof) => proof.unproven);
    for (const one of unproven) {
      this.#parts.bus.publish({ name: "certificate-unproven", isReplaced: false, ...one });
    }
    return {
      shown: proofs.flatMap(({ shown }) => shown),
      hidden: proofs.flatMap(({ hidden }) => hidden),
      unproven,
      replaced: this.#replaced,
      untried: this.#targets.length - this.#sample.length,
    };
  }

  async #askOne(worker: WorkerHandle): Promise<WorkerProof> {
    const proof = emptyProofOf(worker);
    for (let at = 0; at < this.#sample.length; at += HANDSHAKES_AT_ONCE) {
      const targets = this.#sample.slice(at, at + HANDSHAKES_AT_ONCE);
      const results = await this.#showWithRetry(worker, targets);
      noteResults(proof, targets, results);
      if (results.every(hasFailed)) {
        const rest = this.#sample.slice(at + HANDSHAKES_AT_ONCE);
        noteResults(proof, rest, allFailed(rest, "It had shown nothing else."));
        break;
      }
    }
    return proof;
  }

  /** Asks once more for what has failed, because a busy machine may have taken too long. */
  async #showWithRetry(
    worker: WorkerHandle,
    targets: readonly ProofTarget[],
  ): Promise<readonly Shown[]> {
    const results = await this.#show(worker, targets);
    const failed = targets.filter((_target, at) => hasFailed(results[at]));
    if (failed.length === 0 || !worker.canParticipate) return results;
    const again = (await this.#show(worker, failed)).values();
    return targets.map((_target, at) => {
      const result = results[at];
      return result === undefined || hasFailed(result) ? (again.next().value ?? NOT_ASKED) : result;
    });
  }

  /** Resolves to a result for each target. */
  async #show(worker: WorkerHandle, targets: readonly ProofTarget[]): Promise<readonly Shown[]> {
    const handshakes: ProofHandshake[] = [];
    for (const { listener, offer } of targets) {
      const token = await worker.queries.prove(listener);
      if (typeof token === "string") return allFailed(targets, token);
      handshakes.push({ ...offer, token: token.toString("base64") });
    }
    try {
      const { reply } = await this.#parts.prover.read({ kind: "proof", handshakes }, []);
      return reply.shown;
    } catch (error) {
      return allFailed(targets, textOf(error));
    }
  }
}

const NOT_ASKED: Shown = { failure: "It was not asked." };

const hasFailed = (result: Shown = NOT_ASKED): boolean => "failure" in result;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const emptyProofOf = (worker: WorkerHandle): Noted => ({
  ...{ worker, shown: [], hidden: [], unproven: [] },
});

const allFailed = (targets: readonly ProofTarget[], failure: string): readonly Shown[] =>
  targets.map(() => ({ failure }));

/** Returns all targets, or every second, third and so on if they are many. */
function sampleOf(targets: readonly ProofTarget[], workers: number): readonly ProofTarget[] {
  const wanted = Math.min(MAX_FOR_EACH_WORKER, Math.max(1, Math.floor(MAX_PROOFS / workers)));
  const step = Math.ceil(targets.length / wanted);
  return targets.filter((_target, at) => at % step === 0);
}

interface Noted {
  readonly worker: WorkerHandle;
  readonly shown: { worker: number; certificate: CertificateName; serial: string }[];
  readonly hidden: { worker: number; certificate: CertificateName; by: CertificateName }[];
  readonly unproven: Unproven[];
}

function noteResults(
  { worker: { id: worker }, ...proof }: Noted,
  targets: readonly ProofTarget[],
  results: readonly Shown[],
): void {
  for (const [at, { certificate, fingerprint, serial, tryOther }] of targets.entries()) {
    const result = results[at] ?? NOT_ASKED;
    if ("failure" in result) {
      proof.unproven.push({ worker, certificate, reason: result.failure });
    } else if (result.fingerprint === fingerprint) {
      proof.shown.push({ worker, certificate, serial });
    } else {
      const by = tryOther(result.fingerprint);
      const reason = `It showed a certificate with serial ${result.serial}.`;
      if (by === undefined) proof.unproven.push({ worker, certificate, reason });
      else proof.hidden.push({ worker, certificate, by });
    }
  }
}
