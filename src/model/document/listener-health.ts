import { fillDefaults } from "./conform.ts";
import { HealthSchema, type Health } from "./health.ts";
import type { Listener } from "./listener.ts";
import type { Profile } from "./profile.ts";

const DEFAULT_HEALTH = fillDefaults(HealthSchema, {}) as Health;

/**
 * Returns how the endpoints of a listener are checked, or undefined if they are not. A listener that standby servers can serve is
 * always checked, because otherwise nothing would tell when they must take over, and when they can give back.
 */
export function healthOf(
  listener: Listener,
  { standby }: Pick<Profile, "standby">,
): Health | undefined {
  if ("health" in listener && listener.health !== undefined) return listener.health;
  const isOnServers = listener.mode === "tcp" || listener.mode === "http";
  return isOnServers && typeof listener.to === "number" && standby.length > 0
    ? DEFAULT_HEALTH
    : undefined;
}
