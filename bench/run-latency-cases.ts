import { BenchFailure } from "./bench-failure.ts";
import type { BenchCase, CaseGroup } from "./cases/bench-case.ts";
import { capacityCase } from "./cases/main-cases.ts";
import type { Latency } from "./load/load-messages.ts";
import { warmUp } from "./measure/measure-cpu.ts";
import { measureCapacity, measureLatency, type Capacity } from "./measure/measure-latency.ts";
import { figuresOf, referenceSubject, type CaseResult } from "./report/bench-result.ts";
import type { Bench } from "./run-groups.ts";
import type { RunningSubject } from "./subjects/start-subject.ts";
import { takeTurns } from "./take-turns.ts";

const capacityRuns = 3;
const rateShare = 0.5;
/** Above, the load's own lateness is a good part of what it measures. */
const muchLateUs = 2_000;
/** Below, a closed loop was held back by the load. */
const fullyBusy = 0.9;

/** Median and 99th percentile of the same runs, at a rate that comes from the reference's capacity. */
export async function runLatencyCases(
  { cases, runs }: CaseGroup,
  running: readonly RunningSubject[],
  bench: Bench,
): Promise<CaseResult[]> {
  const [first] = cases;
  const reference = running.find(({ subject }) => subject.name === referenceSubject) ?? running[0];
  if (first === undefined || reference === undefined) {
    return [];
  }
  const capacity = await findCapacity(reference, bench);
  const rate = Math.round(capacity.requestsPerSecond * rateShare);
  const load = bench.startLoad(first);
  try {
    for (const one of running) {
      bench.say(`latency: warming up ${one.subject.name}`);
      await measureLatency(first, load, one, rate, first.warmUpOperations);
    }
    const turns = running.map((one) => ({
      name: one.subject.name,
      take: () => measureLatency(first, load, one, rate, first.operations),
    }));
    const taken = await takeTurns(turns, runs, (run, name, { p50Us, p99Us }) =>
      bench.say(
        `latency: run ${run} of ${runs}: ${name} p50 ${Math.round(p50Us)} us, p99 ${Math.round(p99Us)} us`,
      ),
    );
    const note = noteOf(reference, capacity, rate) + latenessNoteOf([...taken.values()].flat());
    return cases.map((benchCase) => resultOf(benchCase, taken, note));
  } finally {
    await load.stop();
  }
}

/** The best of a few runs: what slows a run down is the machine. */
async function findCapacity(running: RunningSubject, bench: Bench): Promise<Capacity> {
  const load = bench.startLoad(capacityCase);
  try {
    await warmUp(capacityCase, load, running);
    let best: Capacity | undefined;
    for (let run = 1; run <= capacityRuns; run += 1) {
      const capacity = await measureCapacity(capacityCase, load, running);
      const rate = Math.round(capacity.requestsPerSecond).toLocaleString("en");
      bench.say(`capacity: run ${run} of ${capacityRuns}: ${running.subject.name} ${rate}/s`);
      if (best === undefined || capacity.requestsPerSecond > best.requestsPerSecond) {
        best = capacity;
      }
    }
    if (best === undefined) {
      throw new BenchFailure("The capacity is unknown.");
    }
    return best;
  } finally {
    await load.stop();
  }
}

function noteOf({ subject }: RunningSubject, capacity: Capacity, rate: number): string {
  const busy = Math.round(capacity.busy * 100);
  return (
    `${subject.name} did ${Math.round(capacity.requestsPerSecond).toLocaleString("en")} requests/s in a closed loop with its core ${busy} % busy` +
    `${capacity.busy < fullyBusy ? " (the load was the limit)" : ""}; arrivals at ${rate.toLocaleString("en")}/s for all, ` +
    "in bursts of a millisecond, each counted from the moment it was due."
  );
}

function latenessNoteOf(latencies: readonly Latency[]): string {
  const late = latencies.filter(({ lateP99Us }) => lateP99Us > muchLateUs).length;
  return late === 0
    ? ""
    : ` In ${late} of ${latencies.length} runs the load itself was more than ${muchLateUs / 1_000} ms late (99th percentile): the machine was not free, and these latencies say little.`;
}

function resultOf(
  benchCase: BenchCase,
  taken: ReadonlyMap<string, readonly Latency[]>,
  note: string,
): CaseResult {
  const valueOf = (latency: Latency) =>
    benchCase.name === "latency-p50" ? latency.p50Us : latency.p99Us;
  const measured = [...taken].map(([name, latencies]) => {
    const runs = latencies.map((one) => ({ value: valueOf(one), lateP99Us: one.lateP99Us }));
    return [name, runs] as const;
  });
  return { case: benchCase, figures: figuresOf(new Map(measured)), absent: [], note };
}
