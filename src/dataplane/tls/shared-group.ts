import { GROUPS, isTls13Group, type GroupName } from "#model/tls/cipher-suites.ts";
import type { ResolvedPolicy, TlsVersion } from "#model/document/policy.ts";
import type { ClientHello } from "./client-hello.ts";

/**
 * Returns the group that the server chooses. It uses its own order even if the client then needs another round trip
 * (RFC 8446 section 4.1.4).
 */
export function sharedGroupOf(
  hello: ClientHello,
  policy: ResolvedPolicy,
  version: TlsVersion,
): GroupName | undefined {
  return policy.groups.find(
    (name) => hello.groups.includes(GROUPS[name]) && (version === "TLSv1.3" || !isTls13Group(name)),
  );
}
