import type { NameRules } from "./name-rules.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export interface ResolvedName {
  readonly identity: TlsIdentity;
  /** The key of the route. Undefined if it is that of the listener. */
  readonly route: string | undefined;
}

/**
 * Returns the TLS identity and the route of a name: the server name of a ClientHello, or the host of a request. A name without an entry
 * has those of the listener, as no name has.
 */
export function resolveName(
  { names }: { readonly names: NameRules },
  nameText: string | undefined,
): ResolvedName {
  const entry = nameText === undefined ? undefined : names.table.find(lookedUpNameOf(nameText));
  if (entry === undefined) return { identity: names.ofListener, route: undefined };
  return { identity: names.identityOf(entry), route: entry.route };
}

/**
 * Returns the form of a name in which entries are looked up: in lower case and without a trailing dot. The labels are not checked, because
 * a text that is no host name must not have a laxer identity than the names beside it: endpoints may take it for one of them.
 */
export function lookedUpNameOf(nameText: string): string {
  const lower = nameText.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

const COLON = ":";

/** Returns the host of an authority without its port (RFC 3986 section 3.2), e.g. `shop.example` for `shop.example:443`. */
export function hostOfAuthority(authority: string): string {
  // The colons of an IPv6 address are in brackets. Such a host has no entry.
  const colon = authority.lastIndexOf(COLON);
  return colon === -1 || authority.endsWith("]") ? authority : authority.slice(0, colon);
}
