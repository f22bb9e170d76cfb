/** Rules about where a listener connects to. */
import { isIpAddress, normaliseClientAddress } from "../addresses/cidr.ts";
import { isServerName } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { socketAddressOf } from "../names.ts";
import { problemOf, quoted } from "../problem.ts";
import type { EndpointTls } from "./endpoint-options.ts";
import { checkKnownName } from "./known-names.ts";
import type { ListenerContext, Target } from "./mode-rules.ts";

/** Refuses a target that is a listener of this director. Names are not resolved, so a name passes. */
export function checkLoop(
  { path, ownListeners }: ListenerContext,
  targets: readonly Target[],
  place = `${path}.to`,
): readonly Problem[] {
  for (const [address, port] of targets) {
    if (isIpAddress(address) === 0) continue;
    const target = normaliseClientAddress(address);
    const isLoopback = target.startsWith("127.") || target === "::1";
    const candidates = [target, ...(isLoopback ? ["0.0.0.0", "::"] : [])];
    const owner = candidates
      .map((candidate) => ownListeners.get(socketAddressOf(candidate, port)))
      .find((vnic) => vnic !== undefined);
    if (owner === undefined) continue;
    const message = `${socketAddressOf(target, port)} is a listener of vNIC ${owner} of this director.`;
    return [problemOf("endpoint-loop", place, message)];
  }
  return [];
}

/** Checks the names in `endpointTls`. */
export function checkEndpointTls(
  { document, path }: ListenerContext,
  { serverName, certificate }: EndpointTls,
): readonly Problem[] {
  const place = `${path}.endpointTls`;
  const problems: Problem[] = [];
  if (serverName !== undefined && !isServerName(serverName)) {
    const message = `${quoted(serverName)} is not a name that a certificate can have.`;
    problems.push(problemOf("bad-server-name", `${place}.serverName`, message));
  }
  if (certificate !== undefined) {
    problems.push(...checkKnownName(document, "certificates", `${place}.certificate`, certificate));
  }
  return problems;
}
