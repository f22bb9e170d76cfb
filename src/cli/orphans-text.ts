import type { OrphansStatus } from "#model/records/orphans-status.ts";
import { inTextOf } from "./cut-text.ts";

/** Says that the connections in workers of an earlier director are unknown. */
export function orphansTextOf({ workers, until }: OrphansStatus, nowMs: number): string {
  const noun = workers === 1 ? "worker" : "workers";
  return (
    `Connections in ${workers} ${noun} of an earlier director that was killed are neither listed nor counted. ` +
    `They end, or are cut, ${inTextOf(until, nowMs)} at the latest.`
  );
}
