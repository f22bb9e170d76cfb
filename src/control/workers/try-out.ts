import { DirectorError } from "#model/failure.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { EventBus } from "#control/event-bus.ts";
import type { Ballot } from "./rollout.ts";
import type { Vote, Worker } from "./worker.ts";

interface Trial {
  readonly saved: Compiled | undefined;
  readonly target: Compiled;
}

/**
 * Has `probe`, a fresh worker that serves nothing, try a change that a worker refused, and ends it. It opens new addresses
 * only if no other worker has them open, and so takes no connection away from one. If it fails itself, the refusal stands.
 * Resolves to the reason why the change is refused after all, and to undefined if the probe takes it.
 */
export async function tryOut(
  probe: Worker,
  trial: Trial,
  { prepared, refusals }: Ballot,
  bus: EventBus,
): Promise<DirectorError | undefined> {
  const [[refuser, refusal] = []] = refusals;
  const vote = await voteOf(probe, trial, prepared.size === 0);
  const refused = { name: "worker-refused", worker: refuser?.id, refusal } as const;
  if (vote === "prepared") {
    bus.publish({ ...refused, probe: "took" });
    return undefined;
  }
  bus.publish({ ...refused, probe: vote === "absent" ? "failed" : "refused" });
  return vote === "absent" ? refusal : vote;
}

/** Has `probe` try a change that no worker was asked about, and ends it. Throws DirectorError if the change is refused. */
export async function tryFirst(probe: Worker, trial: Trial): Promise<void> {
  const vote = await voteOf(probe, trial, true);
  if (vote === "prepared") return;
  const detail = "The worker that tried the change has failed.";
  throw vote === "absent" ? new DirectorError("worker-failed", detail) : vote;
}

/** Tries what differs between `saved` and `target`. */
async function voteOf(
  probe: Worker,
  { saved, target }: Trial,
  opensAddresses: boolean,
): Promise<Vote> {
  const isUp = await probe.ready;
  const vote = isUp ? await probe.tryOut(saved, target, opensAddresses) : "absent";
  probe.kill("exited");
  await probe.ended;
  return vote;
}
