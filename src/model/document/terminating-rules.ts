/** The rules of modes that terminate the TLS of clients and lead to servers of the profile or to a unix socket. */
import { tryUnixPath } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { problemOf, quoted } from "../problem.ts";
import { checkEndpointTls, checkLoop } from "./check-endpoint.ts";
import { checkHealth } from "./check-health.ts";
import { checkKnownName } from "./known-names.ts";
import type { Listener } from "./listener.ts";
import {
  checkCidrs,
  checkPolicyName,
  checkUnique,
  type ListenerContext,
  type ModeRules,
  type Target,
  type TargetPlace,
} from "./mode-rules.ts";
import { portOn } from "./server-entry.ts";

/** A listener of a mode that terminates the TLS of clients. */
export type TerminatingListener = Extract<Listener, { readonly strictServerName: boolean }>;

export const terminatingRules: ModeRules<TerminatingListener> = {
  needsServer: true,
  certificatesOf: ({ certificates, endpointTls }) =>
    endpointTls?.certificate === undefined
      ? certificates
      : [...certificates, endpointTls.certificate],
  targetsOf,
  check: (context) => [
    ...checkTo(context),
    ...checkLoop(context, targetsOf(context)),
    ...checkCertificates(context),
    ...checkPolicyName(context),
    ...checkTlsToEndpoint(context),
    ...checkHealth(context.path, context.listener.health),
    ...checkNameOfUnixCheck(context),
    ...checkCidrs(`${context.path}.acceptProxyProtocol`, context.listener.acceptProxyProtocol),
  ],
};

function checkTo({
  path,
  listener: { to },
}: ListenerContext<TerminatingListener>): readonly Problem[] {
  if (typeof to === "number" || tryUnixPath(to) !== undefined) return [];
  const hint = /^\d+$/.test(to) ? "Write the port without quotes." : undefined;
  const message = `${quoted(to)} is neither a port nor the absolute path of a unix socket.`;
  return [problemOf("bad-endpoint", `${path}.to`, message, hint)];
}

function targetsOf({
  document,
  owner: { profile },
  listener: { to },
}: TargetPlace<TerminatingListener>): readonly Target[] {
  if (typeof to !== "number") return [];
  return [...profile.servers, ...profile.standby]
    .filter(({ server }) => Object.hasOwn(document.servers, server))
    .map((entry) => [document.servers[entry.server]?.address ?? "", portOn(entry, to)]);
}

function checkCertificates({
  document,
  path,
  listener: { certificates, mode },
}: ListenerContext<TerminatingListener>): readonly Problem[] {
  const place = `${path}.certificates`;
  if (certificates.length === 0) {
    const hint = "Add the name of at least one certificate. The first is the default.";
    return [problemOf("missing-key", place, `Mode ${mode} needs a certificate.`, hint)];
  }
  return [
    ...certificates.flatMap((name, index) =>
      checkKnownName(document, "certificates", `${place}[${index}]`, name),
    ),
    ...checkUnique(place, certificates),
  ];
}

function checkTlsToEndpoint(context: ListenerContext<TerminatingListener>): readonly Problem[] {
  const { to, endpointTls } = context.listener;
  if (endpointTls === undefined) return [];
  const place = `${context.path}.endpointTls`;
  const { verify, ca, serverName } = endpointTls;
  const problems: Problem[] = [];
  const isUnix = typeof to === "string" && tryUnixPath(to) !== undefined;
  if (verify && isUnix && serverName === undefined) {
    const message = "A unix socket has no address to verify.";
    const hint = "Add the name that its certificate must have.";
    problems.push(problemOf("missing-key", `${place}.serverName`, message, hint));
  }
  if (!verify && ca !== undefined) {
    const hint = "Set `verify: true`, or remove `ca`.";
    problems.push(problemOf("not-used", `${place}.ca`, "It has no effect without `verify`.", hint));
  }
  return [...problems, ...checkEndpointTls(context, endpointTls)];
}

/** A certificate is verified by a name. Other endpoints have an address if nothing else is set. */
function checkNameOfUnixCheck({
  path,
  listener: { to, endpointTls, health },
}: ListenerContext<TerminatingListener>): readonly Problem[] {
  if (typeof to !== "string" || health?.type !== "tls") return [];
  const isNamed = (health.serverName ?? endpointTls?.serverName) !== undefined;
  // The check of `endpointTls` reports that its name is missing.
  if (isNamed || (endpointTls !== undefined && health.ca === undefined)) return [];
  const message = "A unix socket has no address to verify.";
  const hint = "Add the name that its certificate must have.";
  return [problemOf("missing-key", `${path}.health.serverName`, message, hint)];
}
