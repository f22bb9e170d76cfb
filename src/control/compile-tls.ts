/** Compiles how a listener uses TLS with clients and with endpoints. */
import { createHash } from "node:crypto";
import type { EndpointTls } from "#model/document/endpoint-options.ts";
import type { TerminatingListener } from "#model/document/terminating-rules.ts";
import { tryPolicy, type Policy, type ResolvedPolicy } from "#model/document/policy.ts";
import type { CertificateName, ListenerName } from "#model/names.ts";
import type {
  SnapshotClientAuth,
  SnapshotClientPolicy,
  SnapshotClientTls,
  SnapshotEndpointTls,
  SnapshotTls,
} from "#model/records/snapshot.ts";
import { SYSTEM_TRUST_KEY } from "./certificates/sources.ts";
import { lacking, trustIdOf, type ListenerOwner, type ListenerSources } from "./listener-owner.ts";

/** Compiles the policy of a listener that uses TLS only with its endpoints. */
export function compileTls(
  name: ListenerName,
  policyName: string,
  { document }: ListenerOwner,
): SnapshotTls {
  const policy = policyOf(document.policies, policyName);
  const clientAuth: SnapshotClientAuth = { mode: "none", trust: undefined, partialChain: false };
  return { policy, sessionScope: sessionScopeOf(name, policy, clientAuth) };
}

/** `protocols` are those that the mode offers by ALPN. If it is undefined, the policy says which. */
export function compileClientTls(
  name: ListenerName,
  listener: Pick<TerminatingListener, "policy" | "certificates" | "strictServerName">,
  owner: ListenerOwner,
  protocols?: readonly string[],
): SnapshotClientTls {
  return {
    certificates: listener.certificates.map((certificate) => certificate as CertificateName),
    strictServerName: listener.strictServerName,
    ...compileClientPolicy(name, listener.policy, owner, protocols),
  };
}

/** Compiles a policy for clients of a listener. `protocols` is as for `compileClientTls`. */
export function compileClientPolicy(
  name: ListenerName,
  policyName: string,
  { document, sources, ticketEpochs }: ListenerOwner,
  protocols?: readonly string[],
): SnapshotClientPolicy {
  const ofDocument = policyOf(document.policies, policyName);
  const policy = protocols === undefined ? ofDocument : { ...ofDocument, alpn: protocols };
  const clientAuth = clientAuthOf(document.policies[policyName], sources);
  return {
    policy,
    clientAuth,
    sessionScope: sessionScopeOf(name, policy, clientAuth, ticketEpochs.get(name)),
  };
}

/** `host` is the name that is verified if the document does not set a server name. */
export function compileEndpointTls(
  endpointTls: Partial<EndpointTls>,
  sources: ListenerSources,
  host?: string,
): SnapshotEndpointTls {
  const { verify = true, ca, serverName = host, certificate } = endpointTls;
  return {
    verify,
    serverName,
    trust:
      verify || ca !== undefined
        ? trustIdOf(sources, ca ?? SYSTEM_TRUST_KEY, undefined)
        : undefined,
    certificate: certificate as CertificateName | undefined,
  };
}

function policyOf(policies: Readonly<Record<string, Policy>>, name: string): ResolvedPolicy {
  const policy = tryPolicy(policies, name);
  if (policy === undefined) throw lacking(`policy ${name}`);
  return policy;
}

/** `policy` is undefined for a preset. Presets do not request client certificates. */
function clientAuthOf(policy: Policy | undefined, sources: ListenerSources): SnapshotClientAuth {
  const { mode = "none", ca, crl, partialChain = false } = policy?.clientAuth ?? {};
  if (mode === "none") return { mode, trust: undefined, partialChain: false };
  if (ca === undefined) throw lacking("no CA");
  return { mode, trust: trustIdOf(sources, ca, crl), partialChain };
}

/** The id of a trust is a hash of CA bundle and CRL. A changed CRL therefore prevents the resumption of all earlier sessions. */
function sessionScopeOf(
  name: ListenerName,
  policy: ResolvedPolicy,
  { mode, trust, partialChain }: SnapshotClientAuth,
  ticketEpoch = 0,
): string {
  return createHash("sha256")
    .update(JSON.stringify([name, policy, mode, trust ?? null, partialChain, ticketEpoch]))
    .digest("hex");
}
