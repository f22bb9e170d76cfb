import type { Failback } from "#model/document/profile.ts";

/** If the servers of a profile change between up and down more often than this within the window, the profile is flapping. */
const MAX_TURNS = 5;
const TURNS_WINDOW_MS = 5 * 60_000;
/** So long must the servers of a flapping profile be up without a break before they serve again. */
const STEADY_MS = 60_000;

/**
 * What a profile needs. `servers`: its servers can serve. `standby`: they cannot, and the standby servers can. `none`: neither can,
 * so everything stays as it is.
 */
export type Need = "servers" | "standby" | "none";

export interface Seen {
  readonly need: Need;
  /** Why the servers cannot serve. Undefined if they can. */
  readonly reason: string | undefined;
  readonly failback: Failback;
  /** Whether a standby server may get new connections, although it may be down. */
  readonly mayUseStandby: boolean;
}

/** What is known of one profile that has standby servers. All times are in milliseconds since the epoch. */
export interface StandbyState {
  readonly isOnStandby: boolean;
  /** Since when `isOnStandby` has its value. */
  readonly sinceMs: number;
  /** Why the servers could not serve when they last could not. Undefined if the standby servers do not serve. */
  readonly reason: string | undefined;
  readonly isUp: boolean;
  /** Since when `isUp` has its value. */
  readonly turnedMs: number;
  /** When checks turned the servers of the profile up or down, at most the last `MAX_TURNS + 1` times. */
  readonly turnsMs: readonly number[];
  readonly isFlapping: boolean;
}

export function firstState({ need, reason }: Seen, nowMs: number): StandbyState {
  const isOnStandby = need === "standby";
  return {
    isOnStandby,
    sinceMs: nowMs,
    reason: isOnStandby ? reason : undefined,
    isUp: need === "servers",
    turnedMs: nowMs,
    turnsMs: [],
    isFlapping: false,
  };
}

/** Returns the state after `seen`. Only what checks have found, and not what an operator has changed, counts as flapping. */
export function nextState(
  before: StandbyState,
  seen: Seen,
  cause: "checks" | "change" | "time",
  nowMs: number,
): StandbyState {
  const isUp = seen.need === "servers";
  const hasTurned = isUp !== before.isUp;
  const turnedMs = hasTurned ? nowMs : before.turnedMs;
  const turns = hasTurned && cause === "checks" ? [...before.turnsMs, nowMs] : before.turnsMs;
  const turnsMs = turns.slice(-MAX_TURNS - 1).filter((turn) => turn > nowMs - TURNS_WINDOW_MS);
  const isSteady = isUp && nowMs - turnedMs >= STEADY_MS;
  const isFlapping = (before.isFlapping || turnsMs.length > MAX_TURNS) && !isSteady;
  const mayGiveBack = isUp && (!seen.mayUseStandby || (!isFlapping && seen.failback === "auto"));
  const isOnStandby = before.isOnStandby ? !mayGiveBack : seen.need === "standby";
  const hasSwitched = isOnStandby !== before.isOnStandby;
  return {
    isOnStandby,
    sinceMs: hasSwitched ? nowMs : before.sinceMs,
    reason: isOnStandby ? (seen.reason ?? before.reason) : undefined,
    isUp,
    turnedMs,
    // The changes before the end of the flapping must not let it begin again.
    turnsMs: before.isFlapping && !isFlapping ? [] : turnsMs,
    isFlapping,
  };
}

/** Returns the state after an operator has given the profile back to its servers, which are up. */
export const givenBack = (before: StandbyState, nowMs: number): StandbyState => ({
  ...before,
  ...{ isOnStandby: false, sinceMs: nowMs, reason: undefined },
  ...{ turnsMs: [], isFlapping: false },
});

/** Returns when the state changes although nothing else does, or undefined if it does not. */
export const turnOf = ({ isFlapping, isUp, turnedMs }: StandbyState): number | undefined =>
  isFlapping && isUp ? turnedMs + STEADY_MS : undefined;
