/** The rules of modes that terminate the TLS of clients and lead to servers of the profile or to a unix socket. */
import { tryUnixPath } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { problemOf } from "../problem.ts";
import { checkEndpointTls, checkLoop } from "./check-endpoint.ts";
import {
  certificatesOfNames,
  checkNames,
  checkTo,
  targetsOfNames,
  targetsOfPort,
} from "./check-names.ts";
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
import { nameRoutesOf } from "./names-option.ts";

/** A listener of a mode that terminates the TLS of clients. */
export type TerminatingListener = Extract<Listener, { readonly strictServerName: boolean }>;

export const terminatingRules: ModeRules<TerminatingListener> = {
  needsServer: true,
  certificatesOf: (listener) => [
    ...listener.certificates,
    ...certificatesOfNames(listener),
    ...(listener.endpointTls?.certificate === undefined ? [] : [listener.endpointTls.certificate]),
  ],
  targetsOf,
  check: (context) => [
    ...checkTo(`${context.path}.to`, context.listener.to),
    ...checkLoop(context, ownTargetsOf(context)),
    ...checkCertificates(context),
    ...checkPolicyName(context),
    ...checkNames(context),
    ...checkTlsToEndpoint(context),
    ...checkHealth(context.path, context.listener.health),
    ...checkNameOfUnixCheck(context),
    ...checkCidrs(`${context.path}.acceptProxyProtocol`, context.listener.acceptProxyProtocol),
  ],
};

function targetsOf(place: TargetPlace<TerminatingListener>): readonly Target[] {
  return [...ownTargetsOf(place), ...targetsOfNames(place)];
}

const ownTargetsOf = ({
  document,
  owner: { profile },
  listener: { to },
}: TargetPlace<TerminatingListener>): readonly Target[] =>
  typeof to === "number" ? targetsOfPort(document, profile, to) : [];

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
  const { endpointTls } = context.listener;
  if (endpointTls === undefined) return [];
  const place = `${context.path}.endpointTls`;
  const { verify, ca, serverName } = endpointTls;
  const problems: Problem[] = [];
  const leadsToUnix = targetTextsOf(context.listener).some((to) => tryUnixPath(to) !== undefined);
  if (verify && leadsToUnix && serverName === undefined) {
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

/** Returns what `to` of the listener and of its names are if they are no ports. */
const targetTextsOf = (listener: TerminatingListener): readonly string[] =>
  [listener, ...nameRoutesOf(listener).values()].flatMap(({ to }) =>
    typeof to === "string" ? [to] : [],
  );

/** A certificate is verified by a name. Other endpoints have an address if nothing else is set. */
function checkNameOfUnixCheck({
  path,
  listener,
}: ListenerContext<TerminatingListener>): readonly Problem[] {
  const { endpointTls, health } = listener;
  if (targetTextsOf(listener).length === 0 || health?.type !== "tls") return [];
  const isNamed = (health.serverName ?? endpointTls?.serverName) !== undefined;
  // The check of `endpointTls` reports that its name is missing.
  if (isNamed || (endpointTls !== undefined && health.ca === undefined)) return [];
  const message = "A unix socket has no address to verify.";
  const hint = "Add the name that its certificate must have.";
  return [problemOf("missing-key", `${path}.health.serverName`, message, hint)];
}
