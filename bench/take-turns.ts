import type { BenchCase } from "./cases/bench-case.ts";
import type { Measurement } from "./measure/measurement.ts";

interface Turn<Taken> {
  readonly name: string;
  readonly take: (run: number) => Promise<Taken>;
}

/** A B C A B C: what the machine does in the meantime hits all of them alike. */
export async function takeTurns<Taken>(
  turns: readonly Turn<Taken>[],
  runs: number,
  onTaken: (run: number, name: string, taken: Taken) => void,
): Promise<Map<string, Taken[]>> {
  const all = new Map<string, Taken[]>(turns.map(({ name }) => [name, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const { name, take } of turns) {
      const taken = await take(run);
      all.get(name)?.push(taken);
      onTaken(run, name, taken);
    }
  }
  return all;
}

export function progressOf(benchCase: BenchCase, runs: number, say: (line: string) => void) {
  return (run: number, name: string, { value }: Measurement): void =>
    say(
      `${benchCase.name}: run ${run} of ${runs}: ${name} ${value.toFixed(benchCase.decimals)} ${benchCase.unit}`,
    );
}
