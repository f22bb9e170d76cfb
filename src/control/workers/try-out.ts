import type { DirectorError } from "#model/failure.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { Logger } from "#control/telemetry/log.ts";
import type { PrepareRound } from "./rollout.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/**
 * Lets `probe`, a fresh worker that serves no clients, try the difference to `saved`, and ends it. It opens new addresses only
 * if no other worker has them open, so that it takes no connections from another worker. If the probe itself fails, the refusal
 * stands. Resolves to the reason if the change is refused after all, and to undefined if the probe accepts it.
 */
export async function tryOut(
  probe: WorkerHandle,
  change: { readonly saved: Compiled | undefined; readonly target: Compiled },
  { prepared, refusals }: PrepareRound,
  log: Logger,
): Promise<DirectorError | undefined> {
  const [[refuser, refusal] = []] = refusals;
  const isUp = await probe.ready;
  const outcome = isUp
    ? await probe.tryOut(change.saved, change.target, prepared.size === 0)
    : "absent";
  probe.kill("exited");
  await probe.ended;
  const facts = { event: "worker-refused", worker: refuser?.id, ...refusal?.toShape() };
  if (outcome !== "prepared") {
    log.warn(
      { ...facts, probe: outcome === "absent" ? "failed" : "refused" },
      "The change is refused.",
    );
    return outcome === "absent" ? refusal : outcome;
  }
  const text = "A worker refused a change that a fresh worker accepts. The worker is replaced.";
  log.error({ ...facts, probe: "took" }, text);
  return undefined;
}
