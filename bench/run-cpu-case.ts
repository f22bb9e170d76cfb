import type { BenchCase, CaseGroup } from "./cases/bench-case.ts";
import { measureCpu, warmUp } from "./measure/measure-cpu.ts";
import { figuresOf, type CaseResult } from "./report/bench-result.ts";
import type { Bench } from "./run-groups.ts";
import type { RunningSubject } from "./subjects/start-subject.ts";
import { progressOf, takeTurns } from "./take-turns.ts";

/** Subjects are warm before the first run. Who cannot do a case is named, with the reason. */
export async function runCpuCase(
  benchCase: BenchCase,
  { runs }: CaseGroup,
  running: readonly RunningSubject[],
  { startLoad, say }: Bench,
): Promise<CaseResult> {
  const { group } = benchCase.terms;
  const able = running.filter(({ groups }) => groups.includes(group));
  const absent = running
    .filter((one) => !able.includes(one))
    .map(({ subject }) => ({
      subject: subject.name,
      reason: `its TLS library has no ${group}`,
    }));
  const load = startLoad(benchCase);
  try {
    for (const one of able) {
      say(`${benchCase.name}: warming up ${one.subject.name}`);
      await warmUp(benchCase, load, one);
    }
    const turns = able.map((one) => ({
      name: one.subject.name,
      take: () => measureCpu(benchCase, load, one),
    }));
    const measured = await takeTurns(turns, runs, progressOf(benchCase, runs, say));
    return { case: benchCase, figures: figuresOf(measured), absent };
  } finally {
    await load.stop();
  }
}
