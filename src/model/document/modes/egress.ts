/** Mode egress: the plaintext of attached servers is relayed over TLS to a remote host. */
import Type from "typebox";
import { trySocketAddress } from "../../addresses/endpoint-text.ts";
import type { Problem } from "../../failure.ts";
import { problemOf, quoted } from "../../problem.ts";
import { checkEndpointTls, checkLoop } from "../check-endpoint.ts";
import { checkHealth } from "../check-health.ts";
import { ENDPOINT_OPTIONS } from "../endpoint-options.ts";
import {
  COMMON_OPTIONS,
  modeOption,
  policyOption,
  portOption,
  toOption,
} from "../listener-options.ts";
import {
  checkPolicyName,
  type ListenerContext,
  type ModeRules,
  type Target,
  type TargetPlace,
} from "../mode-rules.ts";

export const EgressListenerSchema = Type.Object(
  {
    port: portOption,
    mode: modeOption("egress", "accepts plaintext from servers and opens TLS to a remote host"),
    to: toOption("The remote host as `host:port`, e.g. payments.example:443."),
    policy: policyOption,
    ...ENDPOINT_OPTIONS,
    ...COMMON_OPTIONS,
  },
  { additionalProperties: false, description: "A listener of mode egress." },
);
export type EgressListener = Type.Static<typeof EgressListenerSchema>;

export const egressRules: ModeRules<EgressListener> = {
  needsServer: false,
  certificatesOf: ({ endpointTls }) =>
    endpointTls?.certificate === undefined ? [] : [endpointTls.certificate],
  targetsOf,
  check: (context) => [
    ...checkTo(context),
    ...checkLoop(context, targetsOf(context).flatMap(addressesOf)),
    ...checkPolicy(context),
    ...checkTlsToRemote(context),
    ...checkHealth(context.path, context.listener.health),
  ],
};

function checkTo({ path, listener: { to } }: ListenerContext<EgressListener>): readonly Problem[] {
  if (typeof to === "string" && trySocketAddress(to) !== undefined) return [];
  const message = `${quoted(to)} is not the host and port of a remote host.`;
  const hint = "Write it as payments.example:443 or [2001:db8::1]:443.";
  return [problemOf("bad-endpoint", `${path}.to`, message, hint)];
}

function targetsOf({ listener: { to } }: TargetPlace<EgressListener>): readonly Target[] {
  const remote = typeof to === "string" ? trySocketAddress(to) : undefined;
  return remote === undefined ? [] : [[remote.host, remote.port]];
}

const addressesOf = ([host, port]: Target): readonly Target[] =>
  (host === "localhost" ? ["127.0.0.1", "::1"] : [host]).map((address) => [address, port]);

function checkPolicy(context: ListenerContext<EgressListener>): readonly Problem[] {
  const { document, path, listener } = context;
  const { policy } = listener;
  const own = Object.hasOwn(document.policies, policy) ? document.policies[policy] : undefined;
  if (own === undefined || own.clientAuth.mode === "none") return checkPolicyName(context);
  const message = `Policy ${policy} asks for client certificates, but the servers of an egress listener speak no TLS.`;
  const hint = "Use a policy without clientAuth.";
  return [problemOf("forbidden-key", `${path}.policy`, message, hint)];
}

function checkTlsToRemote(context: ListenerContext<EgressListener>): readonly Problem[] {
  const { endpointTls } = context.listener;
  if (endpointTls === undefined) return [];
  const problems = checkEndpointTls(context, endpointTls);
  if (endpointTls.verify) return problems;
  const message = "An egress listener always verifies the remote host.";
  const hint = "Remove it, and set `ca` to the CA of the remote host.";
  const place = `${context.path}.endpointTls.verify`;
  return [problemOf("forbidden-key", place, message, hint), ...problems];
}
