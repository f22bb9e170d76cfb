import { tryServerName } from "#model/tls/server-name.ts";
import type { NameRules } from "./name-rules.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export interface ResolvedName {
  readonly identity: TlsIdentity;
  /** The key of the route. Undefined if it is that of the listener. */
  readonly route: string | undefined;
}

/**
 * Returns the TLS identity and the route of a name: the server name of a ClientHello, or the host of a request. A text that is not a
 * host name, and a name without an entry, have those of the listener, as no name has.
 */
export function resolveName(
  { names }: { readonly names: NameRules },
  nameText: string | undefined,
): ResolvedName {
  const name = nameText === undefined ? undefined : tryServerName(nameText);
  const entry = name === undefined ? undefined : names.table.find(name);
  if (entry === undefined) return { identity: names.ofListener, route: undefined };
  return { identity: names.identityOf(entry), route: entry.route };
}

const COLON = ":";

/** Returns the host of an authority without its port (RFC 3986 section 3.2), e.g. `shop.example` for `shop.example:443`. */
export function hostOfAuthority(authority: string): string {
  // The colons of an IPv6 address are in brackets. Such a host has no entry.
  const colon = authority.lastIndexOf(COLON);
  return colon === -1 || authority.endsWith("]") ? authority : authority.slice(0, colon);
}
