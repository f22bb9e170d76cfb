import type { CertificateName } from "#model/names.ts";
import { MAX_PROOFS, type CertificateProof } from "#model/records/certificate-proof.ts";
import { PROOF_MS } from "#protocol/proof-socket.ts";
import type { EventBus } from "../event-bus.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import type { ClientOffer, ProofHandshake, Replies } from "../reader/jobs.ts";
import type { ProofTarget } from "./proof-targets.ts";
import type { Participants } from "./rollout.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** How many workers are asked at a time, and how many certificates one worker shows at a time. */
const WORKERS_AT_ONCE = 4;
const HANDSHAKES_AT_ONCE = 8;
const MAX_FOR_EACH_WORKER = 32;
/** How long a worker may take to open a socket while those of other workers are open, and if it is asked alone. */
const OPEN_TOGETHER_MS = PROOF_MS / 4;
const OPEN_ALONE_MS = PROOF_MS;
/** After this time the workers that are left are not asked, so that workers that hang cannot hold up the changes. */
const DEADLINE_MS = 10_000;

export interface ProofParts {
  readonly pool: Pick<Participants, "participants" | "untilParticipant" | "replaceRefusers">;
  /** A process that connects to workers. */
  readonly prover: Pick<MaterialReader, "read" | "warmUp">;
  readonly bus: Pick<EventBus, "publish">;
}

type Shown = Replies["proof"]["shown"][number];
type Unproven = CertificateProof["unproven"][number];

/** A certificate, and what a client offers that is to be shown it. */
interface Target extends ProofTarget {
  readonly offer: ClientOffer;
}

/** What a worker has shown. */
interface WorkerProof {
  readonly worker: WorkerHandle;
  readonly results: Map<Target, Shown>;
  /** Why nothing could be proved on the worker, if that is not the fault of the worker. */
  excuse?: string;
}

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
   * the others stay. If all workers end meanwhile, their successors are asked. Never rejects, because the change has been made.
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
    if (!round.hasAnswers()) await round.askSuccessors();
    return round.result();
  }
}

class ProofRound {
  readonly #parts: ProofParts;
  readonly #targets: readonly ProofTarget[];
  readonly #sample: readonly Target[];
  readonly #proofs = new Map<WorkerHandle, WorkerProof>();
  readonly #replaced: number[] = [];

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
      for (const worker of pool.participants()) this.#proofOf(worker).excuse = textOf(error);
      return false;
    }
  }

  /**
   * Resolves when these workers have been asked, except those that were asked before. A few workers are asked at a time, all
   * of them in one job, so that a worker that does not answer cannot make the others miss a deadline.
   */
  async ask(workers: readonly WorkerHandle[]): Promise<void> {
    const endsAtMs = performance.now() + DEADLINE_MS;
    const waiting = workers.filter((worker) => !this.#proofs.has(worker));
    while (waiting.length > 0) {
      const some = waiting.splice(0, WORKERS_AT_ONCE).map((worker) => this.#proofOf(worker));
      if (performance.now() < endsAtMs) await this.#askTogether(some);
      else for (const proof of some) proof.excuse = "There was no time to ask it.";
    }
  }

  /** Whether a worker that serves was asked. */
  hasAnswers(): boolean {
    return this.#living().length > 0;
  }

  /** Resolves when workers that have started meanwhile were asked, or no worker starts. */
  async askSuccessors(): Promise<void> {
    const { pool } = this.#parts;
    try {
      await pool.untilParticipant();
    } catch {
      return;
    }
    await this.ask(pool.participants());
  }

  /** The workers that serve and have not shown a new certificate. One that has ended is replaced anyway. */
  failed(): readonly WorkerHandle[] {
    return this.#living()
      .filter((proof) => proof.excuse === undefined && this.#judge(proof).unproven.length > 0)
      .map(({ worker }) => worker);
  }

  /** Resolves when the successors of these workers have been asked. */
  async replace(workers: readonly WorkerHandle[]): Promise<void> {
    const { pool, bus } = this.#parts;
    for (const worker of workers) {
      this.#replaced.push(worker.id);
      for (const one of this.#judge(this.#proofOf(worker)).unproven) {
        bus.publish({ name: "certificate-unproven", isReplaced: true, ...one });
      }
    }
    for (const worker of workers) this.#proofs.delete(worker);
    await pool.replaceRefusers(workers, "unproven");
    await this.ask(pool.participants());
  }

  result(): CertificateProof {
    const judged = this.#living().map((proof) => this.#judge(proof));
    const unproven = judged.flatMap((one) => one.unproven);
    for (const one of unproven) {
      this.#parts.bus.publish({ name: "certificate-unproven", isReplaced: false, ...one });
    }
    return {
      shown: judged.flatMap(({ shown }) => shown),
      hidden: judged.flatMap(({ hidden }) => hidden),
      unproven,
      replaced: this.#replaced,
      untried: this.#targets.length - this.#sample.length,
    };
  }

  #living(): readonly WorkerProof[] {
    return [...this.#proofs.values()].filter(({ worker }) => worker.canParticipate);
  }

  #proofOf(worker: WorkerHandle): WorkerProof {
    const known = this.#proofs.get(worker);
    if (known !== undefined) return known;
    const proof: WorkerProof = { worker, results: new Map() };
    this.#proofs.set(worker, proof);
    return proof;
  }

  async #askTogether(proofs: readonly WorkerProof[]): Promise<void> {
    for (let at = 0; at < this.#sample.length; at += HANDSHAKES_AT_ONCE) {
      const targets = this.#sample.slice(at, at + HANDSHAKES_AT_ONCE);
      // A worker that has shown nothing so far is not asked for the rest.
      const asked = proofs.filter(({ results }) => at === 0 || !areAllFailed(results.values()));
      await this.#show(asked, targets, OPEN_TOGETHER_MS);
      // What has failed is asked for once more, because a busy machine may have taken too long.
      for (const proof of asked) await this.#show([proof], targets, OPEN_ALONE_MS);
    }
  }

  /** Asks these workers for those of the targets that they have not shown yet. */
  async #show(
    proofs: readonly WorkerProof[],
    targets: readonly Target[],
    openMs: number,
  ): Promise<void> {
    const opened = await Promise.all(proofs.map((proof) => openAll(proof, targets, openMs)));
    const places = opened.flat();
    if (places.length === 0) return;
    const handshakes = places.map(({ target: { offer }, token }): ProofHandshake => {
      return { ...offer, token: token.toString("base64") };
    });
    try {
      const { reply } = await this.#parts.prover.read({ kind: "proof", handshakes }, []);
      for (const [at, { proof, target }] of places.entries()) {
        proof.results.set(target, reply.shown[at] ?? NOT_ASKED);
        delete proof.excuse;
      }
    } catch (error) {
      for (const { proof } of places) proof.excuse = textOf(error);
      await this.#untilStarted();
    }
  }

  /** The process was killed, and the next one must have started before sockets are open again, because they are so for a short time. */
  async #untilStarted(): Promise<void> {
    const job = { kind: "proof", handshakes: [] } as const;
    await this.#parts.prover.read(job, []).catch(() => undefined);
  }

  /** Tells what the worker has proved. Another certificate that comes first by the rules comes first on every worker. */
  #judge({ worker: { id: worker }, results, excuse = NOT_ASKED.failure }: WorkerProof): Judged {
    const judged: Judged = { shown: [], hidden: [], unproven: [] };
    for (const target of this.#sample) {
      const { certificate, serial } = target;
      const result = results.get(target) ?? { failure: excuse };
      if ("failure" in result) {
        judged.unproven.push({ worker, certificate, reason: result.failure });
      } else if (isNew(target, result)) {
        judged.shown.push({ worker, certificate, serial });
      } else {
        const by = target.tryOther(result.fingerprint, target.offer.serverName);
        const reason = `It showed a certificate with serial ${result.serial}.`;
        if (by === undefined || this.#isShown(target)) {
          judged.unproven.push({ worker, certificate, reason });
        } else {
          judged.hidden.push({ worker, certificate, by });
        }
      }
    }
    return judged;
  }

  /** Whether any worker has shown the new version. */
  #isShown(target: Target): boolean {
    return this.#living().some(({ results }) => isNew(target, results.get(target) ?? NOT_ASKED));
  }
}

/** What a worker has proved, as the reply has it. */
interface Judged {
  readonly shown: { worker: number; certificate: CertificateName; serial: string }[];
  readonly hidden: { worker: number; certificate: CertificateName; by: CertificateName }[];
  readonly unproven: Unproven[];
}

interface Opened {
  readonly proof: WorkerProof;
  readonly target: Target;
  readonly token: Buffer;
}

/** Has the worker open a socket for each target that it has not shown yet. If it cannot open one, it is asked for no more. */
async function openAll(
  proof: WorkerProof,
  targets: readonly Target[],
  openMs: number,
): Promise<readonly Opened[]> {
  const { worker, results } = proof;
  const missing = targets.filter((target) => hasFailed(results.get(target) ?? NOT_ASKED));
  const opened: Opened[] = [];
  for (const target of missing) {
    if (!worker.canParticipate) return [];
    const token = await worker.queries.prove(target.listener, openMs);
    if (typeof token === "string") {
      for (const one of missing) results.set(one, { failure: token });
      return [];
    }
    opened.push({ proof, target, token });
  }
  return opened;
}

const NOT_ASKED = { failure: "It was not asked." } as const satisfies Shown;

const isNew = ({ fingerprint }: ProofTarget, result: Shown): boolean =>
  "fingerprint" in result && result.fingerprint === fingerprint;

const hasFailed = (result: Shown): boolean => "failure" in result;

const areAllFailed = (results: Iterable<Shown>): boolean => [...results].every(hasFailed);

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns all targets, or every second, third and so on if they are many. */
function sampleOf(targets: readonly ProofTarget[], workers: number): readonly Target[] {
  const wanted = Math.min(MAX_FOR_EACH_WORKER, Math.max(1, Math.floor(MAX_PROOFS / workers)));
  const step = Math.ceil(targets.length / wanted);
  return targets
    .filter((_target, at) => at % step === 0)
    .map((target) => ({ ...target, offer: target.offerOf() }));
}
