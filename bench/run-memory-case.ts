import type { BenchCase, CaseGroup } from "./cases/bench-case.ts";
import { measureMemory } from "./measure/measure-memory.ts";
import { figuresOf, type CaseResult } from "./report/bench-result.ts";
import type { Bench } from "./run-groups.ts";
import { startSubject } from "./subjects/start-subject.ts";
import { progressOf, takeTurns } from "./take-turns.ts";

/** Every run has a freshly started subject: what a heap keeps from the last run would hide its growth. */
export async function runMemoryCase(
  benchCase: BenchCase,
  { runs, shape }: CaseGroup,
  { subjects, place, startLoad, countAtEndpoint, say }: Bench,
): Promise<CaseResult> {
  const load = startLoad(benchCase);
  const turns = subjects.map((found) => ({
    name: found.subject.name,
    async take() {
      const running = await startSubject(found, shape, place);
      try {
        return await measureMemory(benchCase, load, running, countAtEndpoint);
      } finally {
        await running.process.stop();
      }
    },
  }));
  try {
    const measured = await takeTurns(turns, runs, progressOf(benchCase, runs, say));
    return { case: benchCase, figures: figuresOf(measured), absent: [] };
  } finally {
    await load.stop();
  }
}
