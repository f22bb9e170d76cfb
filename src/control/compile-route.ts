/** Compiles the endpoints that a listener leads to. */
import { tryUnixPath } from "#model/addresses/endpoint-text.ts";
import type { TerminatingListener } from "#model/document/terminating-rules.ts";
import { portOn, serverNamesOf, type ServerEntry } from "#model/document/server-entry.ts";
import type { SnapshotEndpoint, SnapshotRoute } from "#model/records/snapshot.ts";
import { compileCheck } from "./health/check-settings.ts";
import { lacking, serverAddressOf, serverAdminOf, type ListenerOwner } from "./listener-owner.ts";

/** The route leads to the servers of the profile of `owner`. */
export const compileRoute = (
  listener: TerminatingListener,
  owner: ListenerOwner,
): SnapshotRoute => ({
  ...compileEndpoints(listener, owner),
  balance: owner.profile.balance,
  ...compileCheck(listener, owner),
});

function compileEndpoints(
  { to }: TerminatingListener,
  owner: ListenerOwner,
): Pick<SnapshotRoute, "endpoints" | "standby"> {
  const { servers, standby } = owner.profile;
  if (typeof to === "string") {
    const path = tryUnixPath(to);
    if (path === undefined) throw lacking(`endpoint ${to}`);
    // A unix socket is on this machine, so it is one endpoint even if the profile lives on several servers.
    const server = serverNamesOf(owner.profile).find((name) => serverAdminOf(owner, name) === "up");
    return { endpoints: server === undefined ? [] : [{ kind: "unix", server, path }], standby: [] };
  }
  const endpointOf = (entry: ServerEntry): SnapshotEndpoint => ({
    kind: "tcp",
    server: entry.server,
    address: serverAddressOf(owner, entry.server),
    port: portOn(entry, to),
    weight: serverAdminOf(owner, entry.server) === "up" ? entry.weight : 0,
  });
  const isInUse = ({ server }: ServerEntry): boolean => serverAdminOf(owner, server) !== "down";
  return {
    endpoints: servers.filter(isInUse).map(endpointOf),
    standby: standby.filter(isInUse).map(endpointOf),
  };
}
