import { cidrsContain, parseCidr, type Cidr } from "./cidr.ts";

const NETWORKS = {
  loopback: ["127.0.0.0/8", "::1"],
  "link-local": ["169.254.0.0/16", "fe80::/10"],
  unspecified: ["0.0.0.0/8", "::"],
  multicast: ["224.0.0.0/4", "ff00::/8"],
  broadcast: ["255.255.255.255"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What an address means that is not the address of one machine in a network. */
export type ReservedKind = keyof typeof NETWORKS;

const CIDRS: readonly (readonly [kind: ReservedKind, cidrs: readonly Cidr[]])[] = (
  Object.keys(NETWORKS) as ReservedKind[]
).map((kind) => [kind, NETWORKS[kind].map(parseCidr)]);

/**
 * Returns the kind of a reserved address in any of its text forms, also if it is IPv4-mapped, or undefined if it is not reserved.
 * The names of RFC 6761 section 6.3 are loopback; other names are not looked up.
 */
export function reservedKindOf(host: string): ReservedKind | undefined {
  const name = host.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return "loopback";
  return CIDRS.find(([, cidrs]) => cidrsContain(cidrs, host))?.[0];
}
