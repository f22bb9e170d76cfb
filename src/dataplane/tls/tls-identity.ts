import { createHash } from "node:crypto";
import type { CertificateName } from "#model/names.ts";
import type { SnapshotClientPolicy, SnapshotClientTls } from "#model/records/snapshot.ts";
import { atOnce } from "../live/in-slices.ts";
import { CertificateIndex, type VersionLookup } from "./certificate-index.ts";

/** What is kept of a TLS identity for the life of a connection. */
export interface IdentityKey {
  /** Equal only for the same policy, the same authentication of clients with its CAs and revocation lists, and the same certificate names. */
  readonly id: string;
  /** Equal only for the same authentication of clients with its CAs and revocation lists. Empty if clients are not authenticated. */
  readonly trust: string;
}

/** How the TLS of clients of some server names is terminated: as whom, with which policy, and trusting whom. */
export interface TlsIdentity {
  readonly key: IdentityKey;
  readonly spec: SnapshotClientTls;
  /** The session scope of the policy in the snapshot. */
  readonly keptFor: string;
  readonly certificates: CertificateIndex;
  /** The protocols in the wire format of RFC 7301. Undefined if ALPN is not answered. */
  readonly alpn: Buffer | undefined;
}

/** Returns the identity for clients that are shown the certificates of the listener. */
export const identityWith = (
  spec: SnapshotClientTls,
  certificates: CertificateIndex,
): TlsIdentity => ({
  key: keyOf(spec),
  spec,
  keptFor: spec.sessionScope,
  certificates,
  alpn: alpnOf(spec.policy.alpn),
});

/**
 * Returns the identity of a server name that has certificates of its own. Its session scope derives from that of the policy and from
 * the names of the certificates, so that no session is resumed for a name with other certificates.
 */
export function identityOfName(
  policy: SnapshotClientPolicy,
  certificates: readonly CertificateName[],
  versions: VersionLookup,
): TlsIdentity {
  // The client has sent the name of the entry, so it is shown one of these certificates whether they cover the name or not.
  const spec = { ...policy, certificates, strictServerName: false };
  const key = keyOf(spec);
  const sessionScope = hashOf([policy.sessionScope, key.id]);
  const index = atOnce(CertificateIndex.build(spec, versions));
  return {
    ...{ key, spec: { ...spec, sessionScope }, keptFor: policy.sessionScope },
    ...{ certificates: index, alpn: alpnOf(policy.policy.alpn) },
  };
}

/** The id of a trust is a hash of CAs and revocation lists. */
function keyOf({ policy, clientAuth, certificates }: SnapshotClientTls): IdentityKey {
  const { mode, trust, partialChain } = clientAuth;
  const authentication = [mode, trust ?? null, partialChain];
  return {
    id: hashOf([policy, authentication, certificates]),
    trust: mode === "none" ? "" : hashOf(authentication),
  };
}

const hashOf = (values: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(values)).digest("hex");

const alpnOf = (protocols: readonly string[]): Buffer | undefined =>
  protocols.length === 0
    ? undefined
    : Buffer.concat(
        protocols.map((name) =>
          Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1"),
        ),
      );
