import { createHash } from "node:crypto";
import { isIpAddress, normaliseClientAddress } from "#model/addresses/cidr.ts";
import type { Document } from "#model/document/document.ts";
import { trySocketAddress, tryUnixPath } from "#model/addresses/endpoint-text.ts";
import { DirectorError } from "#model/failure.ts";
import type { EndpointTls, Listener } from "#model/document/listener.ts";
import {
  listenerNameOf,
  type CertificateName,
  type ListenerName,
  type MaterialId,
  type VnicName,
} from "#model/names.ts";
import { tryPolicy, type Policy, type ResolvedPolicy } from "#model/document/policy.ts";
import type { Profile } from "#model/document/profile.ts";
import type {
  SnapshotCertificate,
  SnapshotClientAuth,
  SnapshotEndpoint,
  SnapshotEndpointTls,
  SnapshotListener,
} from "#model/records/snapshot.ts";
import { durationMsOf } from "#model/units.ts";
import type { Vnic } from "#model/document/vnic.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type CertificateVersion,
  type Sources,
} from "./certificates/sources.ts";

const HTTPS_PORT = 443;

/** The vNIC that owns the listener, and what its names are looked up in. */
export interface ListenerOwner {
  readonly name: VnicName;
  readonly vnic: Vnic;
  readonly profile: Profile;
  readonly document: Document;
  readonly sources: Sources;
}

export function compileListener(listener: Listener, owner: ListenerOwner): SnapshotListener {
  const { document, sources } = owner;
  const { mode, timeouts } = listener;
  if (mode === "http") throw lacking("mode http");
  const name = listenerNameOf(owner.name, listener.port);
  const policy = tryPolicy(document.policies, listener.policy);
  if (policy === undefined) throw lacking(`policy ${listener.policy}`);
  const clientAuth = clientAuthOf(document.policies[listener.policy], sources);
  return {
    name,
    vnic: owner.name,
    virtualIp: normaliseClientAddress(owner.vnic.ip),
    port: listener.port,
    mode,
    certificates: listener.certificates.map((certificate) => certificateOf(sources, certificate)),
    strictServerName: listener.strictServerName,
    policy,
    clientAuth,
    sessionScope: sessionScopeOf(name, policy, clientAuth),
    ...endpointsOf(listener, owner),
    balance: owner.profile.balance,
    proxyProtocol: listener.proxyProtocol,
    acceptProxyProtocol: listener.acceptProxyProtocol,
    allowFrom: allowFromOf(listener, owner),
    denyFrom: listener.denyFrom,
    endpointTls: endpointTlsOf(listener, sources),
    timeouts: {
      handshakeMs: durationMsOf(timeouts.handshake),
      connectMs: durationMsOf(timeouts.connect),
      idleMs: durationMsOf(timeouts.idle),
      halfClosedMs: durationMsOf(timeouts.halfClosed),
    },
    accessLog: listener.accessLog,
    redirectPort: redirectPortOf(listener),
  };
}

const lacking = (what: string): DirectorError =>
  new DirectorError("internal", `A listener refers to ${what}, which did not pass the checks.`);

function versionOf(sources: Sources, name: string): CertificateVersion {
  const version = sources.certificates.get(name);
  if (version === undefined) throw lacking(`certificate ${name}`);
  return version;
}

function certificateOf(sources: Sources, name: string): SnapshotCertificate {
  const { id, facts, signing } = versionOf(sources, name);
  const { names, keyType, notAfterMs } = facts;
  return { name: name as CertificateName, material: id, names, keyType, notAfterMs, ...signing };
}

function trustIdOf(sources: Sources, ca: string, crl: string | undefined): MaterialId {
  const trust = sources.trusts.get(trustKeyOf(ca, crl));
  if (trust === undefined)
    throw lacking(`CA ${ca === SYSTEM_TRUST_KEY ? "bundle of the system" : ca}`);
  return trust.id;
}

/** The presets ask for no client certificate. */
function clientAuthOf(policy: Policy | undefined, sources: Sources): SnapshotClientAuth {
  const { mode = "none", ca, crl, partialChain = false } = policy?.clientAuth ?? {};
  if (mode === "none") return { mode, trust: undefined, partialChain: false };
  if (ca === undefined) throw lacking("no CA");
  return { mode, trust: trustIdOf(sources, ca, crl), partialChain };
}

/** A trust's id is over the contents of CA and CRL, so that a changed CRL ends every session that was made before. */
function sessionScopeOf(
  name: ListenerName,
  policy: ResolvedPolicy,
  { mode, trust, partialChain }: SnapshotClientAuth,
): string {
  return createHash("sha256")
    .update(JSON.stringify([name, policy, mode, trust ?? null, partialChain]))
    .digest("hex");
}

function endpointsOf(
  { mode, to }: Listener,
  { profile, document }: ListenerOwner,
): Pick<SnapshotListener, "endpoints" | "standby"> {
  if (mode === "redirect" || to === undefined) return { endpoints: [], standby: [] };
  if (mode === "egress") {
    const remote = typeof to === "string" ? trySocketAddress(to) : undefined;
    if (remote === undefined) throw lacking(`remote ${to}`);
    return { endpoints: [{ kind: "remote", server: remote.host, ...remote }], standby: [] };
  }
  if (typeof to === "string") {
    const path = tryUnixPath(to);
    if (path === undefined) throw lacking(`endpoint ${to}`);
    // However many servers the profile lives on, it is the one socket on this machine.
    const [server] = [...profile.servers, ...profile.standby];
    return { endpoints: server === undefined ? [] : [{ kind: "unix", server, path }], standby: [] };
  }
  const endpointOf = (server: string): SnapshotEndpoint => ({
    kind: "tcp",
    server,
    address: addressOf(document, server),
    port: to,
  });
  return { endpoints: profile.servers.map(endpointOf), standby: profile.standby.map(endpointOf) };
}

function addressOf(document: Document, server: string): string {
  const address = document.servers[server]?.address;
  if (address === undefined) throw lacking(`server ${server}`);
  return normaliseClientAddress(address);
}

function allowFromOf(
  { mode, allowFrom }: Listener,
  owner: ListenerOwner,
): readonly string[] | undefined {
  if (mode === "egress") return [...allowFrom, ...serverCidrsOf(owner)];
  return allowFrom.length === 0 ? undefined : allowFrom;
}

function serverCidrsOf({ profile, document }: ListenerOwner): readonly string[] {
  return [...profile.servers, ...profile.standby].map((server) => {
    const address = addressOf(document, server);
    return `${address}/${isIpAddress(address) === 4 ? 32 : 128}`;
  });
}

function endpointTlsOf(
  { mode, to, endpointTls }: Listener,
  sources: Sources,
): SnapshotEndpointTls | undefined {
  if (mode === "redirect") return undefined;
  if (mode === "egress") {
    const host = typeof to === "string" ? trySocketAddress(to)?.host : undefined;
    return { ...resolveEndpointTls(endpointTls, sources, host), verify: true };
  }
  return endpointTls === undefined
    ? undefined
    : resolveEndpointTls(endpointTls, sources, undefined);
}

function resolveEndpointTls(
  endpointTls: EndpointTls | undefined,
  sources: Sources,
  host: string | undefined,
): SnapshotEndpointTls {
  const { verify = true, ca, serverName = host, certificate } = endpointTls ?? {};
  return {
    verify,
    serverName,
    trust:
      verify || ca !== undefined
        ? trustIdOf(sources, ca ?? SYSTEM_TRUST_KEY, undefined)
        : undefined,
    certificate: certificate === undefined ? undefined : versionOf(sources, certificate).id,
  };
}

function redirectPortOf({ mode, to }: Listener): number | undefined {
  if (mode !== "redirect") return undefined;
  return typeof to === "number" ? to : HTTPS_PORT;
}
