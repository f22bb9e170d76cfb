import { resolveName, hostOfAuthority } from "./resolve-name.ts";
import type { NameRules } from "./name-rules.ts";
import type { IdentityKey } from "./tls-identity.ts";

/**
 * Whether a request may be served on its connection. `misdirected` means that it must be answered with 421 (RFC 9110 section 15.5.20).
 */
export type HostVerdict = "served" | "misdirected";

export interface JudgedHost {
  readonly verdict: HostVerdict;
  /** Whether the answer must end the connection, because new connections of its name have another TLS identity. */
  readonly isLast: boolean;
  /** The key of the route. Undefined if it is that of the listener. */
  readonly route: string | undefined;
}

/** What is known of the TLS of a connection. */
interface SecuredConnection {
  readonly identity: IdentityKey | undefined;
  /** The server name as the client has sent it. Undefined if it has sent none. */
  readonly identityName: string | undefined;
}

/**
 * Judges the host of a request by the newest rules. Names with the same identity may share a connection. A connection whose name has got
 * another identity since its handshake serves requests until its next answer, unless clients must now be authenticated in another way.
 */
export function judgeHost(
  rules: { readonly names: NameRules },
  { identity: atHandshake, identityName }: SecuredConnection,
  authority: string,
): JudgedHost {
  const { identity, route } = resolveName(rules, hostOfAuthority(authority));
  const own = resolveName(rules, identityName).identity;
  const verdict = verdictOf(identity.key, own.key, atHandshake);
  return { verdict, isLast: own.key.id !== atHandshake?.id, route };
}

function verdictOf(
  wanted: IdentityKey,
  own: IdentityKey,
  atHandshake: IdentityKey | undefined,
): HostVerdict {
  if (wanted.id !== own.id) return "misdirected";
  if (wanted.id === atHandshake?.id) return "served";
  return wanted.trust === "" || wanted.trust === atHandshake?.trust ? "served" : "misdirected";
}
