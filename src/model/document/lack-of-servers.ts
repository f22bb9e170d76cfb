import { needsServer } from "./check-listener.ts";
import type { Document } from "./document.ts";
import { listed } from "../problem.ts";
import type { Profile } from "./profile.ts";
import type { ServerEntry } from "./server-entry.ts";

export interface LackOfServers {
  /** Why no server may get new connections. A sentence without its full stop. */
  readonly reason: string;
  readonly hint?: string;
  /** Whether no listener that needs a server has one. Otherwise the listeners that lead to unix sockets have. */
  readonly isComplete: boolean;
}

const MAX_CAUSES = 3;

/**
 * Returns why the profile has a listener that needs a server and of whose servers and standby servers none may get new connections.
 * Returns undefined if there is no such listener.
 */
export function lackOfServersOf(
  { servers }: Pick<Document, "servers">,
  profile: Profile,
): LackOfServers | undefined {
  const entries = [...profile.servers, ...profile.standby];
  // A server that does not exist is a problem of its own.
  const adminOf = ({ server }: ServerEntry) =>
    Object.hasOwn(servers, server) ? servers[server]?.admin : "up";
  const up = entries.filter((entry) => adminOf(entry) === "up");
  if (up.some(({ weight }) => weight > 0)) return undefined;

  const needing = Object.values(profile.vnics).flatMap(({ listeners }) =>
    listeners.filter(needsServer),
  );
  // Weights do not matter for a unix socket, because it is on this machine.
  const lacking = up.length === 0 ? needing : needing.filter(({ to }) => typeof to === "number");
  if (lacking.length === 0) return undefined;
  const isComplete = lacking.length === needing.length;
  if (entries.length === 0) return { reason: "The profile has no server", isComplete };
  const causes = entries.map((entry) => {
    const admin = adminOf(entry);
    return `${entry.server} has ${admin === "up" ? "weight 0" : `admin ${admin}`}`;
  });
  return {
    reason: `No server of the profile may get new connections (${listed(causes, MAX_CAUSES)})`,
    hint: "Set `admin` of one of its servers to up and its `weight` above 0, or move the profile to another server.",
    isComplete,
  };
}
