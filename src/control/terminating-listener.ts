/** What is the same for modes that terminate the TLS of clients and lead to servers of the profile or to a unix socket. */
import { tryUnixPath } from "#model/addresses/endpoint-text.ts";
import { portOn, serverNamesOf, type ServerEntry } from "#model/document/server-entry.ts";
import type { TerminatingListener } from "#model/document/terminating-rules.ts";
import type { SnapshotEndpoint, SnapshotEndpoints } from "#model/records/snapshot.ts";
import type { SnapshotTerminating } from "#model/records/terminating-records.ts";
import { compileClientTls, compileEndpointTls } from "./compile-tls.ts";
import type { CompiledBase, ControlMode, EndpointTrust } from "./control-mode.ts";
import { compileCheck, trustsOfCheck } from "./health/check-settings.ts";
import { lacking, serverAddressOf, serverAdminOf, type ListenerOwner } from "./listener-owner.ts";

type Terminating = Omit<SnapshotTerminating<never>, "mode">;

/**
 * `protocols` are those that the mode offers by ALPN. If it is undefined, the policy says which. Throws DirectorError if the listener
 * refers to something that the owner lacks.
 */
export const compileTerminating = (
  listener: TerminatingListener,
  owner: ListenerOwner,
  base: CompiledBase,
  protocols?: readonly string[],
): Terminating => ({
  ...base,
  ...compileClientTls(base.name, listener, owner, protocols),
  ...compileEndpoints(listener, owner),
  balance: owner.profile.balance,
  proxyProtocol: listener.proxyProtocol,
  acceptProxyProtocol: listener.acceptProxyProtocol,
  endpointTls: listener.endpointTls && compileEndpointTls(listener.endpointTls, owner.sources),
  ...compileCheck(listener, owner),
});

export const terminating: Omit<ControlMode<TerminatingListener, never>, "compile"> = {
  clientTlsOf: (listener) => listener,
  endpointTrustsOf(listener) {
    const { endpointTls } = listener;
    const ofCheck = trustsOfCheck(listener);
    if (endpointTls === undefined) return ofCheck;
    const { verify, ca } = endpointTls;
    const ofClients: EndpointTrust[] =
      verify || ca !== undefined ? [{ ca, path: "endpointTls.ca", isVerified: verify }] : [];
    return [...ofClients, ...ofCheck];
  },
  endpointCertificateOf: ({ endpointTls }) => endpointTls?.certificate,
  unixSocketsOf({ to }) {
    const socketPath = typeof to === "string" ? tryUnixPath(to) : undefined;
    return socketPath === undefined ? [] : [{ path: "to", socketPath }];
  },
  statusOf: ({ to, policy, certificates }) => ({ to: String(to), policy, certificates }),
};

function compileEndpoints(
  { to }: TerminatingListener,
  owner: ListenerOwner,
): Pick<SnapshotEndpoints, "endpoints" | "standby"> {
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
