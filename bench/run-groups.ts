import { BenchFailure } from "./bench-failure.ts";
import type { BenchCase, PlannedGroup } from "./cases/bench-case.ts";
import type { LoadGroup } from "./load-group.ts";
import { referenceSubject, type CaseResult } from "./report/bench-result.ts";
import { runCpuCase } from "./run-cpu-case.ts";
import { runGrowth } from "./run-growth.ts";
import { runLatencyCases } from "./run-latency-cases.ts";
import { runMemoryCase } from "./run-memory-case.ts";
import { RunningSet } from "./running-set.ts";
import type { FoundSubject } from "./subjects/find-subjects.ts";
import type { SubjectPlace } from "./subjects/start-subject.ts";

/** What every case needs. */
export interface Bench {
  readonly subjects: readonly FoundSubject[];
  readonly place: SubjectPlace;
  readonly startLoad: (benchCase: BenchCase) => LoadGroup;
  readonly countAtEndpoint: (port: number) => Promise<number>;
  readonly say: (line: string) => void;
}

export async function runGroup(group: PlannedGroup, bench: Bench): Promise<CaseResult[]> {
  const { place, say } = bench;
  const shapes =
    group.method === "growth"
      ? [...new Set(group.points.map(({ shape }) => shape))]
      : [group.shape];
  const wanted = group.method === "growth" ? growthSubjectsOf(bench) : bench.subjects;
  const set = new RunningSet(wanted, shapes, place, say);
  try {
    switch (group.method) {
      case "cpu":
        return await runEach(group.cases, bench, async (one) =>
          runCpuCase(one, group, (await set.start()).get(group.shape) ?? [], bench),
        );
      case "memory":
        return await runEach(group.cases, bench, (one) => runMemoryCase(one, group, bench));
      case "latency":
        return await runTogether(group.cases, bench, async () =>
          runLatencyCases(group, (await set.start()).get(group.shape) ?? [], bench),
        );
      case "growth":
        return await runTogether(
          group.points.map(({ benchCase }) => benchCase),
          bench,
          () => runGrowth(group, set, bench),
        );
      default:
        return group satisfies never;
    }
  } finally {
    await set.stop();
  }
}

/** Growth is a property of one program; HAProxy beside the director shows what machine and load contribute. */
function growthSubjectsOf({ subjects }: Bench): FoundSubject[] {
  return subjects.filter(({ subject }) => subject.hasWorkers || subject.name === referenceSubject);
}

async function runEach(
  cases: readonly BenchCase[],
  bench: Bench,
  run: (benchCase: BenchCase) => Promise<CaseResult>,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const benchCase of cases) {
    results.push(...(await runTogether([benchCase], bench, async () => [await run(benchCase)])));
  }
  return results;
}

/** A failure makes these cases' comparison void, and no other's; unless the whole bench is ending. */
async function runTogether(
  cases: readonly BenchCase[],
  { place, say }: Bench,
  run: () => Promise<CaseResult[]>,
): Promise<CaseResult[]> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof BenchFailure) || place.children.isClosed) {
      throw error;
    }
    const refusal = error.message;
    return cases.map((benchCase) => {
      say(`${benchCase.name}: NOT COMPARED: ${refusal}`);
      return { case: benchCase, figures: [], absent: [], refusal };
    });
  }
}
