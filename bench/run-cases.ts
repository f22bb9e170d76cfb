import type { BenchCase } from "./bench-case.ts";
import { measureCpu, warmUp, type CaseLoad, type Measurement } from "./measure/measure-cpu.ts";
import { measureMemory } from "./measure/measure-memory.ts";
import { figuresOf, type CaseResult } from "./report/bench-result.ts";
import { startSubject, type RunningSubject, type SubjectPlace } from "./subjects/start-subject.ts";
import type { Subject } from "./subjects/subject.ts";

/** What every case needs. */
export interface Bench {
  readonly subjects: readonly Subject[];
  readonly place: SubjectPlace;
  readonly runs: number;
  readonly startLoad: (benchCase: BenchCase) => CaseLoad;
  readonly countAtEndpoint: (port: number) => Promise<number>;
  readonly say: (line: string) => void;
}

/** All subjects are up at once, for an idle one hardly uses its core, and warm before the first run. */
export async function runCpuCases(
  cases: readonly BenchCase[],
  bench: Bench,
): Promise<CaseResult[]> {
  if (cases.length === 0) {
    return [];
  }
  const running: RunningSubject[] = [];
  for (const subject of bench.subjects) {
    bench.say(`starting ${subject.name}`);
    running.push(await startSubject(subject, bench.place));
  }
  const results: CaseResult[] = [];
  for (const benchCase of cases) {
    const load = bench.startLoad(benchCase);
    for (const one of running) {
      bench.say(`${benchCase.name}: warming up ${one.subject.name}`);
      await warmUp(benchCase, load, one);
    }
    const turns = running.map((one) => ({
      name: one.subject.name,
      measure: () => measureCpu(benchCase, load, one),
    }));
    results.push(await takeTurns(benchCase, turns, bench));
    await load.stop();
  }
  await Promise.all(running.map(({ process }) => process.stop()));
  return results;
}

/** Every run has a freshly started subject: what a heap keeps from the last run would hide its growth. */
export async function runMemoryCase(benchCase: BenchCase, bench: Bench): Promise<CaseResult> {
  const load = bench.startLoad(benchCase);
  const turns = bench.subjects.map((subject) => ({
    name: subject.name,
    async measure() {
      const running = await startSubject(subject, bench.place);
      const measurement = await measureMemory(benchCase, load, running, bench.countAtEndpoint);
      await running.process.stop();
      return measurement;
    },
  }));
  const result = await takeTurns(benchCase, turns, bench);
  await load.stop();
  return result;
}

interface Turn {
  readonly name: string;
  readonly measure: () => Promise<Measurement>;
}

/** A B C A B C: what the machine does in the meantime hits all of them alike. */
async function takeTurns(
  benchCase: BenchCase,
  turns: readonly Turn[],
  { runs, say }: Bench,
): Promise<CaseResult> {
  const measured = new Map<string, Measurement[]>(turns.map(({ name }) => [name, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const { name, measure } of turns) {
      const measurement = await measure();
      measured.get(name)?.push(measurement);
      const figure = `${measurement.value.toFixed(benchCase.decimals)} ${benchCase.unit}`;
      say(`${benchCase.name}: run ${run} of ${runs}: ${name} ${figure}`);
    }
  }
  return { case: benchCase, figures: figuresOf(measured) };
}
