import type { GrowthGroup } from "./cases/bench-case.ts";
import { measureCpu, warmUp } from "./measure/measure-cpu.ts";
import { figuresOf, type CaseResult } from "./report/bench-result.ts";
import type { Bench } from "./run-groups.ts";
import type { RunningSet } from "./running-set.ts";
import { progressOf, takeTurns } from "./take-turns.ts";

/** All points of a series in turns, so that what the machine does in the meantime does not pass for growth. */
export async function runGrowth(
  { points, runs }: GrowthGroup,
  subjects: RunningSet,
  { startLoad, say }: Bench,
): Promise<CaseResult[]> {
  const running = await subjects.start();
  const loaded = points.map(({ shape, benchCase }) => ({
    benchCase,
    subjects: running.get(shape) ?? [],
    load: startLoad(benchCase),
  }));
  try {
    for (const { benchCase, subjects: those, load } of loaded) {
      for (const one of those) {
        say(`${benchCase.name}: warming up ${one.subject.name}`);
        await warmUp(benchCase, load, one);
      }
    }
    const turns = loaded.flatMap(({ benchCase, subjects: those, load }) => {
      const onTaken = progressOf(benchCase, runs, say);
      return those.map((one) => ({
        name: `${benchCase.name} ${one.subject.name}`,
        take: async (run: number) => {
          const measurement = await measureCpu(benchCase, load, one);
          onTaken(run, one.subject.name, measurement);
          return measurement;
        },
      }));
    });
    const measured = await takeTurns(turns, runs, () => {});
    return loaded.map(({ benchCase, subjects: those }) => {
      const own = those.map(({ subject: { name } }) => {
        return [name, measured.get(`${benchCase.name} ${name}`) ?? []] as const;
      });
      return { case: benchCase, figures: figuresOf(new Map(own)), absent: [] };
    });
  } finally {
    await Promise.all(loaded.map(({ load }) => load.stop()));
  }
}
