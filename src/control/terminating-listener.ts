/** What is the same for modes that terminate the TLS of clients and lead to servers of the profile or to a unix socket. */
import { tryUnixPath } from "#model/addresses/endpoint-text.ts";
import { nameRoutesOf } from "#model/document/names-option.ts";
import type { TerminatingListener } from "#model/document/terminating-rules.ts";
import { pathOf } from "#model/problem.ts";
import type { SnapshotTerminating } from "#model/records/terminating-records.ts";
import { compileNames } from "./compile-names.ts";
import { compileRoute } from "./compile-route.ts";
import { compileClientTls, compileEndpointTls } from "./compile-tls.ts";
import type { CompiledBase, ControlMode, EndpointTrust, UnixSocket } from "./control-mode.ts";
import { trustsOfCheck } from "./health/check-settings.ts";
import type { ListenerOwner } from "./listener-owner.ts";

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
  ...compileNames(base.name, listener, owner, protocols),
  ...compileRoute(listener, owner),
  proxyProtocol: listener.proxyProtocol,
  acceptProxyProtocol: listener.acceptProxyProtocol,
  endpointTls: listener.endpointTls && compileEndpointTls(listener.endpointTls, owner.sources),
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
  unixSocketsOf: (listener) => [
    ...unixSocketOf("to", listener.to),
    ...nameRoutesOf(listener)
      .values()
      .flatMap(({ key, to }) => unixSocketOf(`${pathOf("names", key)}.to`, to)),
  ],
  statusOf: ({ to, policy, certificates }) => ({ to: String(to), policy, certificates }),
};

function unixSocketOf(path: string, to: number | string): readonly UnixSocket[] {
  const socketPath = typeof to === "string" ? tryUnixPath(to) : undefined;
  return socketPath === undefined ? [] : [{ path, socketPath }];
}
