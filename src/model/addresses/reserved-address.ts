import {
  addressTextOf,
  cidrsContain,
  isIpAddress,
  normaliseClientAddress,
  parseCidr,
  tryAddressBytes,
  type Cidr,
} from "./cidr.ts";

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

/** IPv6 networks whose addresses stand for an IPv4 address, with the position of its first byte. */
const EMBEDDING: readonly (readonly [cidr: Cidr, at: number])[] = (
  [
    // IPv4-compatible (RFC 4291 section 2.5.5.1), IPv4-translated (RFC 2765), and NAT64 (RFC 6052, RFC 8215).
    ["::/96", 12],
    ["::ffff:0:0:0/96", 12],
    ["64:ff9b::/96", 12],
    ["64:ff9b:1::/48", 12],
    // 6to4 (RFC 3056).
    ["2002::/16", 2],
  ] as const
).map(([network, at]) => [parseCidr(network), at]);

/** The names of RFC 6761 section 6.3, and those that hosts files of distributions give to loopback. */
const LOOPBACK_NAME =
  /^((.*\.)?localhost|localhost\d?(\.localdomain\d?)?|(ip6-)?loopback|ip6-localhost)$/i;

export const isLoopbackName = (host: string): boolean => LOOPBACK_NAME.test(host);

/**
 * Returns the kind of a reserved address in any of its text forms, also if it is the IPv4 address in an IPv6 address, or undefined
 * if it is not reserved. The usual names of loopback are loopback; other names are not looked up.
 */
export function reservedKindOf(host: string): ReservedKind | undefined {
  if (isLoopbackName(host)) return "loopback";
  return kindOf(host) ?? kindOf(reachedAddressOf(host));
}

const kindOf = (address: string): ReservedKind | undefined =>
  CIDRS.find(([, cidrs]) => cidrsContain(cidrs, address))?.[0];

/** Returns the IPv4 address for which an IPv6 address stands, or the host as it is if it stands for none. */
export function reachedAddressOf(host: string): string {
  const bytes = tryAddressBytes(host);
  if (bytes?.length !== 16 || kindOf(host) !== undefined) return host;
  const [, at] = EMBEDDING.find(([cidr]) => cidrsContain([cidr], host)) ?? [];
  return at === undefined ? host : addressTextOf(bytes.subarray(at, at + 4));
}

/**
 * Returns why no socket can have the address and none can connect to it, as the rest of a sentence about it. Returns undefined if there
 * is no such reason. Linux can serve on the other addresses of 0.0.0.0/8 and on 240.0.0.0/4, so these are not refused.
 */
export function whyUnusable(address: string): string | undefined {
  const text = normaliseClientAddress(address);
  const kind = kindOf(text);
  if (kind === "multicast" || kind === "broadcast") return `is a ${kind} address`;
  if (kind !== "link-local" || isIpAddress(text) === 4) return undefined;
  return "is a link-local IPv6 address, which belongs to one link and needs a zone";
}
