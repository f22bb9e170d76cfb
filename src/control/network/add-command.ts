import { readFileSync } from "node:fs";
import { cidrsContain } from "#model/addresses/cidr.ts";
import type { Absence } from "./absence.ts";
import { readInterfaces, type InterfaceAddress } from "./interfaces.ts";

/** The files in which the kernel lists its routes (proc(5)). */
const ROUTES = "/proc/net/route";
const ROUTES_IPV6 = "/proc/net/ipv6_route";
/** include/uapi/linux/route.h */
const RTF_UP = 0x1;
const RTF_REJECT = 0x200;

/** What this machine's interfaces and routes are, as far as the choice of an interface needs it. */
export interface NetworkFacts {
  readonly interfaces: readonly InterfaceAddress[];
  /** The interfaces of the default routes. Undefined if there is none. */
  readonly defaultIpv4: string | undefined;
  readonly defaultIpv6: string | undefined;
}

export const readNetworkFacts = (): NetworkFacts => ({
  interfaces: readInterfaces(),
  defaultIpv4: defaultInterfaceOf(textOf(ROUTES), parseRoute),
  defaultIpv6: defaultInterfaceOf(textOf(ROUTES_IPV6), parseRouteIpv6),
});

/**
 * Returns the command after which this machine can use the address. It names the interface whose network has the address,
 * else that of the default route, else the loopback interface. If an interface has the address already, duplicate address
 * detection has not ended or has failed, and the command shows it.
 */
export function addCommandOf(ip: string, facts: NetworkFacts): string {
  const owner = facts.interfaces.find(({ address }) => address === ip);
  if (owner !== undefined) return `ip address show dev ${owner.name}`;
  const isIpv6 = ip.includes(":");
  const [closest] = facts.interfaces
    .filter(({ network }) => cidrsContain([network], ip))
    .toSorted((one, other) => other.network.prefixBits - one.network.prefixBits);
  const device = closest?.name ?? (isIpv6 ? facts.defaultIpv6 : facts.defaultIpv4) ?? "lo";
  return `ip address add ${ip}/${isIpv6 ? 128 : 32} dev ${device}`;
}

/** Returns the command that ends the absence. Undefined if the address is there and the listeners cannot be opened for another reason. */
export const remedyOf = (ip: string, { code }: Absence, facts: NetworkFacts): string | undefined =>
  code === "address-not-available" ? addCommandOf(ip, facts) : undefined;

interface DefaultRoute {
  readonly device: string;
  readonly metric: number;
}

/** Returns the interface of the default route with the lowest metric. */
export function defaultInterfaceOf(
  table: string,
  parse: (fields: readonly string[]) => DefaultRoute | undefined,
): string | undefined {
  const routes = table.split("\n").flatMap((line) => parse(line.trim().split(/\s+/)) ?? []);
  return routes.toSorted((one, other) => one.metric - other.metric)[0]?.device;
}

export function parseRoute(fields: readonly string[]): DefaultRoute | undefined {
  const [device = "", destination, , flags = "", , , metric, mask] = fields;
  if (destination !== "00000000" || mask !== "00000000" || !isUsable(flags)) return undefined;
  return { device, metric: Number(metric) };
}

export function parseRouteIpv6(fields: readonly string[]): DefaultRoute | undefined {
  const [destination = "", prefix, , , , metric = "", , , flags = "", device = ""] = fields;
  if (!/^0{32}$/.test(destination) || prefix !== "00" || !isUsable(flags)) return undefined;
  return { device, metric: Number.parseInt(metric, 16) };
}

function isUsable(flags: string): boolean {
  const bits = Number.parseInt(flags, 16);
  return (bits & RTF_UP) !== 0 && (bits & RTF_REJECT) === 0;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
