import type { WorkerStatus } from "#model/records/status.ts";
import { eventually } from "./deadline.ts";
import type { Director } from "./director.ts";

const replacedDeadlineMs = 40_000;

/** Resolves when `count` workers serve and none of those in `gone` is there any more. */
export function untilServing(
  director: Director,
  count: number,
  gone: readonly number[] = [],
): Promise<readonly WorkerStatus[]> {
  return eventually(
    async () => {
      const workers = await director.workers();
      const areServing = workers.every(
        ({ state, pid }) => state === "serving" && !gone.includes(pid),
      );
      return areServing && workers.length === count && workers;
    },
    replacedDeadlineMs,
    `${count} serving workers without ${gone.join(", ")}`,
  );
}

/** Pids of the first two workers. Throws where there are fewer: signals to a made-up pid reach somebody else. */
export async function twoWorkersOf(director: Director): Promise<readonly [number, number]> {
  const [first, second] = await director.workerPids();
  if (first === undefined || second === undefined) throw new Error("there are no two workers");
  return [first, second];
}

/** How many connections each worker reports, by pid; they do so once a second. */
export async function connectionsByPid(director: Director): Promise<ReadonlyMap<number, number>> {
  const workers = await director.workers();
  return new Map(workers.map(({ pid, openConnections }) => [pid, openConnections]));
}
