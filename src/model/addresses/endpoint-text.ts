/** Parses the addresses that the document uses for remote hosts and unix sockets. */
import { isIpAddress } from "./cidr.ts";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const PORT = /^[1-9]\d{0,4}$/;
const DNS_NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
/** A host that ends so is an IPv4 address for resolvers, e.g. 0x7f.1 (inet_aton(3), WHATWG URL "ends in a number", RFC 3696 section 2). */
const NUMBER_AT_END = /(^|\.)(\d+|0x[0-9a-f]*)$/i;
// sun_path has 108 bytes, including the terminating zero (unix(7)).
const MAX_SOCKET_PATH_BYTES = 107;

export function isServerName(text: string): boolean {
  return isIpAddress(text) !== 0 || (DNS_NAME.test(text) && !NUMBER_AT_END.test(text));
}

/** Parses `payments.example:443`, `192.0.2.1:443` or `[2001:db8::1]:443` (RFC 3986 section 3.2.2). */
export function trySocketAddress(text: string): HostAndPort | undefined {
  const colon = text.lastIndexOf(":");
  const port = text.slice(colon + 1);
  if (colon <= 0 || !PORT.test(port) || Number(port) > 65_535) return undefined;
  const name = text.slice(0, colon);
  const isBracketed = name.startsWith("[") && name.endsWith("]");
  const host = isBracketed ? name.slice(1, -1) : name;
  const isHost = isBracketed ? isIpAddress(host) === 6 : !host.includes(":") && isServerName(host);
  return isHost ? { host: host.toLowerCase(), port: Number(port) } : undefined;
}

/** Returns the path in `unix:/path`, or undefined if it is not absolute or too long for a socket. */
export function tryUnixPath(text: string): string | undefined {
  if (!text.startsWith("unix:/") || text.includes("\0")) return undefined;
  const path = text.slice("unix:".length);
  return new TextEncoder().encode(path).length > MAX_SOCKET_PATH_BYTES ? undefined : path;
}
