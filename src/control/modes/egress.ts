import { isIpAddress } from "#model/addresses/cidr.ts";
import { trySocketAddress } from "#model/addresses/endpoint-text.ts";
import { serverNamesOf } from "#model/document/server-entry.ts";
import type { EgressListener } from "#model/document/modes/egress.ts";
import type { SnapshotEgressListener } from "#model/records/modes/egress.ts";
import { lacking, serverAddressOf, type ListenerOwner } from "../listener-owner.ts";
import { compileEndpointTls, compileTls } from "../compile-tls.ts";
import type { ControlMode } from "../control-mode.ts";
import { compileCheck, trustsOfCheck } from "../health/check-settings.ts";

export const egress: ControlMode<EgressListener, SnapshotEgressListener> = {
  compile(listener, owner, base) {
    const { to, policy, endpointTls = {} } = listener;
    const remote = typeof to === "string" ? trySocketAddress(to) : undefined;
    if (remote === undefined) throw lacking(`remote ${to}`);
    return {
      ...base,
      mode: "egress",
      ...compileTls(base.name, policy, owner),
      endpoints: [{ kind: "remote", server: remote.host, ...remote }],
      standby: [],
      balance: owner.profile.balance,
      allowFrom: [...listener.allowFrom, ...serverCidrsOf(owner)],
      endpointTls: { ...compileEndpointTls(endpointTls, owner.sources, remote.host), verify: true },
      ...compileCheck(listener, owner),
    };
  },
  clientTlsOf: () => undefined,
  endpointTrustsOf: ({ health, endpointTls }) => [
    { ca: endpointTls?.ca, path: "endpointTls.ca", isVerified: true },
    ...trustsOfCheck({ health, endpointTls: { ...endpointTls, verify: true } }),
  ],
  endpointCertificateOf: ({ endpointTls }) => endpointTls?.certificate,
  unixSocketsOf: () => [],
  statusOf: ({ to, policy }) => ({ to: String(to), policy, certificates: [] }),
};

function serverCidrsOf(owner: ListenerOwner): readonly string[] {
  return serverNamesOf(owner.profile).map((server) => {
    const address = serverAddressOf(owner, server);
    return `${address}/${isIpAddress(address) === 4 ? 32 : 128}`;
  });
}
