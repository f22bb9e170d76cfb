import { isIpAddress, normaliseClientAddress, parseCidr } from "../addresses/cidr.ts";
import { tryDidYouMean } from "./closest-name.ts";
import type { ListenerPlace } from "./document-listeners.ts";
import type { Document } from "./document.ts";
import { isServerName, trySocketAddress, tryUnixPath } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import type { Listener } from "./listener.ts";
import { socketAddressOf, type VnicName } from "../names.ts";
import { isPresetName } from "./policy.ts";
import { problemOf, quoted } from "../problem.ts";
import type { Profile } from "./profile.ts";

type ListenerKey = Exclude<keyof Listener, "port" | "mode">;

/** Keys that have no effect in a mode. They are refused, because their author expects an effect. */
const FORBIDDEN_KEYS: Readonly<Record<Listener["mode"], readonly ListenerKey[]>> = {
  tcp: [],
  http: [],
  redirect: [
    "certificates",
    "strictServerName",
    "policy",
    "proxyProtocol",
    "endpointTls",
    "health",
  ],
  egress: ["certificates", "strictServerName", "proxyProtocol", "acceptProxyProtocol"],
};

/** `ownListeners` maps `address:port` of each listener of the director to the vNIC that it belongs to. */
export function checkListener(
  document: Document,
  place: ListenerPlace,
  ownListeners: ReadonlyMap<string, VnicName>,
): readonly Problem[] {
  const { listener, path } = place;
  if (listener.mode === "http") {
    return [problemOf("mode-not-available", `${path}.mode`, "Mode http is not available yet.")];
  }
  return [
    ...checkForbiddenKeys(place),
    ...checkTo(place),
    ...checkLoop(document, place, ownListeners),
    ...checkCertificates(document, place),
    ...checkPolicyName(document, place),
    ...checkEndpointTls(document, place),
    ...checkCidrs(`${path}.acceptProxyProtocol`, listener.acceptProxyProtocol),
    ...checkCidrs(`${path}.allowFrom`, listener.allowFrom),
    ...checkCidrs(`${path}.denyFrom`, listener.denyFrom),
  ];
}

function isSet(listener: Listener, key: ListenerKey): boolean {
  if (key === "policy") return listener.policy !== "intermediate";
  const value = listener[key];
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== false && value !== "none";
}

function checkForbiddenKeys({ path, listener }: ListenerPlace): readonly Problem[] {
  return FORBIDDEN_KEYS[listener.mode]
    .filter((key) => isSet(listener, key))
    .map((key) =>
      problemOf(
        "forbidden-key",
        `${path}.${key}`,
        `A listener of mode ${listener.mode} does not support ${key}.`,
      ),
    );
}

function checkTo({ path, listener: { mode, to } }: ListenerPlace): readonly Problem[] {
  const place = `${path}.to`;
  if (mode === "redirect") {
    if (to === undefined || typeof to === "number") return [];
    const message = `${quoted(to)} is not the https port of the redirect.`;
    return [
      problemOf("bad-endpoint", place, message, "Write a port, or remove the key for port 443."),
    ];
  }
  if (to === undefined) {
    const hint =
      mode === "egress"
        ? "Add the remote host as host:port, e.g. payments.example:443."
        : "Add the port on the server, e.g. 8080, or unix:/path/to/socket.";
    return [problemOf("missing-key", place, "`to` is missing.", hint)];
  }
  if (mode === "egress") {
    if (typeof to === "string" && trySocketAddress(to) !== undefined) return [];
    const hint = "Write it as payments.example:443 or [2001:db8::1]:443.";
    return [
      problemOf(
        "bad-endpoint",
        place,
        `${quoted(to)} is not the host and port of a remote host.`,
        hint,
      ),
    ];
  }
  if (typeof to === "number" || tryUnixPath(to) !== undefined) return [];
  const hint = /^\d+$/.test(to) ? "Write the port without quotes." : undefined;
  const message = `${quoted(to)} is neither a port nor the absolute path of a unix socket.`;
  return [problemOf("bad-endpoint", place, message, hint)];
}

function checkLoop(
  document: Document,
  { path, owner: { profile }, listener }: ListenerPlace,
  ownListeners: ReadonlyMap<string, VnicName>,
): readonly Problem[] {
  for (const [address, port] of targetsOf(document, profile, listener)) {
    if (isIpAddress(address) === 0) continue;
    const target = normaliseClientAddress(address);
    const isLoopback = target.startsWith("127.") || target === "::1";
    const candidates = [target, ...(isLoopback ? ["0.0.0.0", "::"] : [])];
    const owner = candidates
      .map((candidate) => ownListeners.get(socketAddressOf(candidate, port)))
      .find((vnic) => vnic !== undefined);
    if (owner === undefined) continue;
    const message = `${socketAddressOf(target, port)} is a listener of vNIC ${owner} of this director.`;
    return [problemOf("endpoint-loop", `${path}.to`, message)];
  }
  return [];
}

function targetsOf(
  document: Document,
  profile: Profile,
  { mode, to }: Listener,
): readonly (readonly [address: string, port: number])[] {
  if (mode === "egress") {
    const remote = typeof to === "string" ? trySocketAddress(to) : undefined;
    if (remote === undefined) return [];
    const hosts = remote.host === "localhost" ? ["127.0.0.1", "::1"] : [remote.host];
    return hosts.map((host) => [host, remote.port]);
  }
  if (mode !== "tcp" || typeof to !== "number") return [];
  return [...profile.servers, ...profile.standby]
    .filter((server) => Object.hasOwn(document.servers, server))
    .map((server) => [document.servers[server]?.address ?? "", to]);
}

function checkCertificates(
  document: Document,
  { path, listener: { mode, certificates } }: ListenerPlace,
): readonly Problem[] {
  if (mode === "tcp" && certificates.length === 0) {
    const hint = "Add the name of at least one certificate. The first is the default.";
    return [
      problemOf("missing-key", `${path}.certificates`, "Mode tcp needs a certificate.", hint),
    ];
  }
  return certificates.flatMap((name, index) =>
    checkCertificateName(document, `${path}.certificates[${index}]`, name),
  );
}

function checkCertificateName(document: Document, path: string, name: string): readonly Problem[] {
  if (Object.hasOwn(document.certificates, name)) return [];
  const hint = tryDidYouMean(name, Object.keys(document.certificates));
  return [problemOf("unknown-certificate", path, `There is no certificate ${quoted(name)}.`, hint)];
}

function checkPolicyName(
  document: Document,
  { path, listener: { mode, policy } }: ListenerPlace,
): readonly Problem[] {
  if (isPresetName(policy) || mode === "redirect") return [];
  const own = Object.hasOwn(document.policies, policy) ? document.policies[policy] : undefined;
  const place = `${path}.policy`;
  if (own === undefined) {
    const known = ["modern", "intermediate", ...Object.keys(document.policies)];
    const message = `There is no policy ${quoted(policy)}.`;
    return [problemOf("unknown-policy", place, message, tryDidYouMean(policy, known))];
  }
  if (mode !== "egress" || own.clientAuth.mode === "none") return [];
  const message = `Policy ${policy} asks for client certificates, but the servers of an egress listener speak no TLS.`;
  return [problemOf("forbidden-key", place, message, "Use a policy without clientAuth.")];
}

function checkEndpointTls(
  document: Document,
  { path, listener: { mode, to, endpointTls } }: ListenerPlace,
): readonly Problem[] {
  if (endpointTls === undefined || mode === "redirect") return [];
  const place = `${path}.endpointTls`;
  const { verify, ca, serverName, certificate } = endpointTls;
  const problems: Problem[] = [];
  if (mode === "egress" && !verify) {
    const message = "An egress listener always verifies the remote host.";
    const hint = "Remove it, and set `ca` to the CA of the remote host.";
    problems.push(problemOf("forbidden-key", `${place}.verify`, message, hint));
  }
  if (mode === "tcp" && verify && typeof to === "string" && serverName === undefined) {
    const message = "A unix socket has no address to verify.";
    const hint = "Add the name that its certificate must have.";
    problems.push(problemOf("missing-key", `${place}.serverName`, message, hint));
  }
  if (mode === "tcp" && !verify && ca !== undefined) {
    const hint = "Set `verify: true`, or remove `ca`.";
    problems.push(problemOf("not-used", `${place}.ca`, "It has no effect without `verify`.", hint));
  }
  if (serverName !== undefined && !isServerName(serverName)) {
    const message = `${quoted(serverName)} is not a name that a certificate can have.`;
    problems.push(problemOf("bad-server-name", `${place}.serverName`, message));
  }
  if (certificate !== undefined) {
    problems.push(...checkCertificateName(document, `${place}.certificate`, certificate));
  }
  return problems;
}

function checkCidrs(path: string, cidrs: readonly string[]): readonly Problem[] {
  return cidrs.flatMap((text, index) => {
    try {
      parseCidr(text);
      return [];
    } catch (error) {
      const sentence = error instanceof Error ? error.message : "";
      const message = sentence.replace(JSON.stringify(text), () => quoted(text));
      return [problemOf("bad-cidr", `${path}[${index}]`, message)];
    }
  });
}
