import { DirectorError } from "#model/failure.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { EventBus } from "#control/event-bus.ts";
import type { PrepareRound } from "./rollout.ts";
import type { PrepareOutcome, WorkerHandle } from "./worker-handle.ts";

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
  trial: Trial,
  { prepared, refusals }: PrepareRound,
  bus: EventBus,
): Promise<DirectorError | undefined> {
  const [[refuser, refusal] = []] = refusals;
  const outcome = await outcomeOf(probe, trial, prepared.size === 0);
  const refused = { name: "worker-refused", worker: refuser?.id, refusal } as const;
  if (outcome === "prepared") {
    bus.publish({ ...refused, probe: "took" });
    return undefined;
  }
  bus.publish({ ...refused, probe: outcome === "absent" ? "failed" : "refused" });
  return outcome === "absent" ? refusal : outcome;
}

/** Has `probe` try a change that no worker was asked about, and ends it. Throws DirectorError if the change is refused. */
export async function tryFirst(probe: WorkerHandle, trial: Trial): Promise<void> {
  const outcome = await outcomeOf(probe, trial, true);
  if (outcome === "prepared") return;
  const detail = "The worker that tried the change has failed.";
  throw outcome === "absent" ? new DirectorError("worker-failed", detail) : outcome;
}

/** Tries what differs between `saved` and `target`. */
async function outcomeOf(
  probe: WorkerHandle,
  { saved, target }: Trial,
  opensAddresses: boolean,
): Promise<PrepareOutcome> {
  const isUp = await probe.ready;
  const outcome = isUp ? await probe.tryOut(saved, target, opensAddresses) : "absent";
  probe.kill("exited");
  await probe.ended;
  return outcome;
}
