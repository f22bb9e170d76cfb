import type { Document } from "#model/document/document.ts";
import { lackOfServersOf } from "#model/document/lack-of-servers.ts";
import type { Failback } from "#model/document/profile.ts";
import type { ProfileStatus } from "#model/records/status.ts";
import type { Standby } from "./health/standby.ts";
import type { StandbyState } from "./health/standby-state.ts";

/** Returns every profile of the document. */
export const profileStatusesOf = (
  document: Document,
  standby: Pick<Standby, "stateOf">,
): readonly ProfileStatus[] =>
  Object.entries(document.profiles).map(([name, profile]): ProfileStatus => {
    const state = standby.stateOf(name);
    const lack = lackOfServersOf(document, profile);
    if (lack?.isComplete === true) {
      const isFlapping = state?.isFlapping ?? false;
      return { name, servedBy: "none", reason: `${lack.reason}.`, isFlapping };
    }
    if (state === undefined) return { name, servedBy: "servers", isFlapping: false };
    const { isOnStandby, sinceMs, isFlapping } = state;
    const reason = reasonOf(name, state, profile.failback);
    return {
      name,
      servedBy: isOnStandby ? "standby" : "servers",
      since: new Date(sinceMs).toISOString(),
      ...(reason === "" ? {} : { reason }),
      isFlapping,
    };
  });

function reasonOf(name: string, state: StandbyState, failback: Failback): string {
  const { isOnStandby, isUp, isFlapping, reason } = state;
  const isWaiting = isOnStandby && isUp && failback === "manual";
  return [
    ...(reason === undefined ? [] : [reason]),
    ...(isFlapping
      ? ["The servers are flapping and serve again only when they have been up for a minute."]
      : []),
    ...(isWaiting ? [`The servers are up. They serve again after \`tlsd failback ${name}\`.`] : []),
  ].join(" ");
}
