import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateName, ListenerName } from "#model/names.ts";
import { PROOF_MS } from "#protocol/proof-socket.ts";
import type { DirectorEvent } from "../director-event.ts";
import type { ProofJob, Replies } from "../reader/jobs.ts";
import { CertificateProver, type ProofParts } from "./certificate-prover.ts";
import type { ProofTarget } from "./proof-targets.ts";
import type { WorkerHandle } from "./worker-handle.ts";

type Shown = Replies["proof"]["shown"][number];

const offer = {
  serverName: undefined,
  version: "TLSv1.3",
  cipherSuites: [],
  groups: [],
  signatureAlgorithms: [],
} as const;

const targetOf = (number: number): ProofTarget => ({
  certificate: `c${number}` as CertificateName,
  listener: "front.shop:1" as ListenerName,
  offerOf: () => ({ ...offer, serverName: String(number) }),
  fingerprint: `new ${number}`,
  serial: `AA${number}`,
  tryOther: (fingerprint) => (fingerprint === "other" ? ("first" as CertificateName) : undefined),
});

/** What a worker shows to a proof, or undefined if it opens no socket. */
type Behaviour = (target: number, attempt: number) => Shown | undefined;

const showsNew: Behaviour = (target) => ({ fingerprint: `new ${target}`, serial: `AA${target}` });
const showsOld: Behaviour = () => ({ fingerprint: "old", serial: "0B" });
const showsNothing: Behaviour = () => undefined;
const showsOther: Behaviour = () => ({ fingerprint: "other", serial: "0C" });

/** A pool of workers that behave so, and whose successors behave like `successors`. */
function poolOf(behaviours: readonly Behaviour[], successors: Behaviour = showsNew) {
  const events: DirectorEvent[] = [];
  const jobs: number[] = [];
  const opened: { readonly worker: number; readonly isAlone: boolean }[] = [];
  const replacements: number[][] = [];
  const behaviourOf = new Map<string, readonly [Behaviour, Map<number, number>]>();
  let lastId = 0;
  let workers: WorkerHandle[] = [];
  const hire = (behaviour: Behaviour): void => {
    lastId += 1;
    const attempts = new Map<number, number>();
    const id = lastId;
    const prove = (_listener: ListenerName, deadlineMs: number): Promise<Buffer | string> => {
      opened.push({ worker: id, isAlone: deadlineMs === PROOF_MS });
      if (behaviour(0, 0) === undefined) return Promise.resolve("It opened no socket.");
      const token = Buffer.from(`token ${behaviourOf.size}`);
      behaviourOf.set(token.toString("base64"), [behaviour, attempts]);
      return Promise.resolve(token);
    };
    workers.push({
      id: lastId,
      canParticipate: true,
      queries: { prove },
    } as unknown as WorkerHandle);
  };
  for (const behaviour of behaviours) hire(behaviour);
  const show = ({ handshakes }: ProofJob): readonly Shown[] =>
    handshakes.map(({ token, serverName }) => {
      const [behaviour, attempts] = behaviourOf.get(token) ?? [];
      const target = Number(serverName);
      const attempt = (attempts?.get(target) ?? 0) + 1;
      attempts?.set(target, attempt);
      return behaviour?.(target, attempt) ?? { failure: "It closed the connection." };
    });
  const prover = {
    warmUp: () => undefined,
    read: (job: ProofJob) => {
      jobs.push(job.handshakes.length);
      return Promise.resolve({ reply: { shown: show(job) }, parts: [] });
    },
  } as unknown as ProofParts["prover"];
  const pool: ProofParts["pool"] = {
    participants: () => workers.filter(({ canParticipate }) => canParticipate),
    untilParticipant: () => {
      if (workers.every(({ canParticipate }) => !canParticipate)) hire(successors);
      return Promise.resolve();
    },
    replaceRefusers: (refusers, cause) => {
      assert.equal(cause, "unproven");
      const gone = new Set(refusers);
      replacements.push([...gone].map(({ id }) => id));
      workers = workers.filter((worker) => !gone.has(worker));
      for (const _ of gone) hire(successors);
      return Promise.resolve();
    },
  };
  const bus = { publish: (event: DirectorEvent) => void events.push(event) };
  const parts: ProofParts = { pool, prover, bus };
  return {
    ...{ parts, events, jobs, opened, replacements },
    workers: () => workers,
    prover: new CertificateProver(parts),
  };
}

test("every worker shows every certificate, and the result lists worker and serial", async () => {
  const { prover, replacements } = poolOf([showsNew, showsNew]);
  const { shown, ...rest } = await prover.prove([targetOf(1), targetOf(2)]);
  const lines = shown.map(
    ({ worker, certificate, serial }) => `${worker} ${certificate} ${serial}`,
  );
  assert.deepEqual(lines.toSorted(), ["1 c1 AA1", "1 c2 AA2", "2 c1 AA1", "2 c2 AA2"]);
  assert.deepEqual(rest, { hidden: [], unproven: [], replaced: [], untried: 0 });
  assert.deepEqual(replacements, []);
});

// What comes first by the rules comes first on every worker.
for (const [what, behaviour] of Object.entries({ showsOld, showsNothing, showsOther })) {
  test(`a worker that ${what} is replaced, and its successor is asked`, async () => {
    const { prover, replacements, events } = poolOf([showsNew, behaviour, behaviour]);
    const proof = await prover.prove([targetOf(1)]);
    assert.deepEqual(replacements, [[2], [3]]);
    assert.deepEqual(new Set(proof.shown.map(({ worker }) => worker)), new Set([1, 4, 5]));
    assert.deepEqual([proof.replaced, proof.unproven], [[2, 3], []]);
    assert.deepEqual(
      events.map((event) => event.name === "certificate-unproven" && event.isReplaced),
      [true, true],
    );
  });
}

test("a certificate of the listener that comes first is no fault of the worker", async () => {
  const { prover, replacements } = poolOf([showsOther, showsOther]);
  const proof = await prover.prove([targetOf(1)]);
  assert.deepEqual(
    proof.hidden,
    [1, 2].map((worker) => ({ worker, certificate: "c1", by: "first" })),
  );
  assert.deepEqual([proof.unproven, replacements], [[], []]);
});

test("a handshake that fails once is tried again", async () => {
  const { prover, replacements } = poolOf([
    (target, attempt) => (attempt === 1 ? { failure: "too late" } : showsNew(target, attempt)),
  ]);
  const proof = await prover.prove([targetOf(1), targetOf(2)]);
  assert.deepEqual(
    proof.shown.map(({ serial }) => serial),
    ["AA1", "AA2"],
  );
  assert.deepEqual(replacements, []);
});

test("if a fresh worker does no better, the other workers stay and the result says so", async () => {
  const { prover, replacements } = poolOf([showsOld, showsOld, showsOld], showsOld);
  const proof = await prover.prove([targetOf(1)]);
  assert.deepEqual(replacements, [[1]]);
  assert.deepEqual(new Set(proof.unproven.map(({ worker }) => worker)), new Set([2, 3, 4]));
  assert.match(proof.unproven[0]?.reason ?? "", /serial 0B/);
});

test("if the process that connects to workers does not start, no worker is replaced", async () => {
  const { parts, replacements } = poolOf([showsNew]);
  const read = (): Promise<never> => Promise.reject(new Error("no memory"));
  const prover = new CertificateProver({ ...parts, prover: { ...parts.prover, read } });
  const proof = await prover.prove([targetOf(1)]);
  assert.deepEqual(proof.unproven, [{ worker: 1, certificate: "c1", reason: "no memory" }]);
  assert.deepEqual(replacements, []);
});

test("of a thousand changed certificates a sample is proved, in jobs of bounded size", async () => {
  const { prover, jobs } = poolOf([showsNew, showsNew]);
  const proof = await prover.prove(Array.from({ length: 1_000 }, (_, at) => targetOf(at)));
  const perWorker = proof.shown.filter(({ worker }) => worker === 1).length;
  assert.ok(perWorker > 20 && perWorker <= 32, String(perWorker));
  assert.equal(proof.untried, 1_000 - perWorker);
  assert.ok(Math.max(...jobs) <= 2 * 8);
});

test("a worker that opens no socket in time is asked again alone, and the others are not", async () => {
  const { prover, jobs, opened } = poolOf([showsNew, showsNothing, showsNew]);
  await prover.prove([targetOf(1)]);
  assert.deepEqual(jobs, [0, 2, 1]);
  assert.deepEqual(opened.slice(0, 4), [
    { worker: 1, isAlone: false },
    { worker: 2, isAlone: false },
    { worker: 3, isAlone: false },
    { worker: 2, isAlone: true },
  ]);
});

test("if all workers end while they are asked, their successors are asked", async () => {
  const ends: Behaviour = (_target, attempt) => {
    if (attempt > 0)
      for (const worker of site.workers()) Object.assign(worker, { canParticipate: false });
    return { failure: "It closed the connection." };
  };
  const site = poolOf([ends, ends]);
  const proof = await site.prover.prove([targetOf(1)]);
  assert.deepEqual(proof.shown, [{ worker: 3, certificate: "c1", serial: "AA1" }]);
  assert.deepEqual([proof.replaced, proof.unproven, site.replacements], [[], [], []]);
});

test("if the process that connects to workers fails later, no worker is replaced", async () => {
  const { parts, replacements } = poolOf([showsNew, showsNew]);
  const read = (job: ProofJob): Promise<unknown> =>
    job.handshakes.length === 0
      ? Promise.resolve({ reply: { shown: [] } })
      : Promise.reject(new Error("killed"));
  const prover = new CertificateProver({
    ...parts,
    prover: { ...parts.prover, read: read as ProofParts["prover"]["read"] },
  });
  const proof = await prover.prove([targetOf(1)]);
  assert.deepEqual(
    proof.unproven.map(({ reason }) => reason),
    ["killed", "killed"],
  );
  assert.deepEqual(replacements, []);
});

test("before a worker opens its sockets, a process that was killed has another one in its place", async () => {
  const { parts } = poolOf([showsNew]);
  const steps: string[] = [];
  let isKilled = false;
  const queries = {
    prove: () => {
      steps.push("open");
      return Promise.resolve(Buffer.from("token"));
    },
  };
  const read = ({ handshakes }: ProofJob) => {
    steps.push(handshakes.length === 0 ? "started" : "handshake");
    const shown = handshakes.map(() => ({ fingerprint: "new 1", serial: "AA1" }));
    const fails = handshakes.length > 0 && !isKilled;
    isKilled ||= fails;
    return fails ? Promise.reject(new Error("killed")) : Promise.resolve({ reply: { shown } });
  };
  const prover = new CertificateProver({
    ...parts,
    pool: {
      ...parts.pool,
      participants: () => [{ id: 1, canParticipate: true, queries } as never],
    },
    prover: { warmUp: () => undefined, read } as unknown as ProofParts["prover"],
  });
  const { shown, replaced } = await prover.prove([targetOf(1)]);
  assert.deepEqual([shown.length, replaced], [1, []]);
  const round = ["started", "open", "handshake"];
  assert.deepEqual(steps, [...round, ...round]);
});
