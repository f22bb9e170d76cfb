import { DirectorError } from "#model/failure.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { EventBus } from "#control/event-bus.ts";
import type { PrepareRound } from "./rollout.ts";
import type { WorkerHandle } from "./worker-handle.ts";

interface Trial {
  readonly saved: Compiled | undefined;
  readonly target: Compiled;
}

/**
 * Lets `probe`, a fresh worker that serves no clients, try the difference to `saved`, and ends it. It opens new addresses only
 * if no other worker has them open, so that it takes no connections from another worker. If the probe itself fails, the refusal
 * stands. Resolves to the reason if the change is refused after all, and to undefined if the probe accepts it.
 */
export async function tryOut(
  probe: WorkerHandle,
  { saved, target }: Trial,
  { prepared, refusals }: PrepareRound,
  bus: EventBus,
): Promise<DirectorError | undefined> {
  const [[refuser, refusal] = []] = refusals;
  const isUp = await probe.ready;
  const outcome = isUp ? await probe.tryOut(saved, target, prepared.size === 0) : "absent";
  probe.kill("exited");
  await probe.ended;
  const refused = { name: "worker-refused", worker: refuser?.id, refusal } as const;
  if (outcome === "prepared") {
    bus.publish({ ...refused, probe: "took" });
    return undefined;
  }
  bus.publish({ ...refused, probe: outcome === "absent" ? "failed" : "refused" });
  return outcome === "absent" ? refusal : outcome;
}
