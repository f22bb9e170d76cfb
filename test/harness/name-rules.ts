/** Rules of server names without a director, a document or certificates. */
import { createHash } from "node:crypto";
import type { CertificateName, MaterialId } from "#model/names.ts";
import { shardCountOf, shardOfName } from "#model/records/name-shards.ts";
import type {
  NameShard,
  SnapshotClientPolicy,
  SnapshotClientTls,
  SnapshotName,
  SnapshotNameRoute,
  SnapshotNames,
} from "#model/records/snapshot.ts";

/** Returns entries by server name as the control process sends them, and their shards. */
export function shardedNames(
  entries: readonly SnapshotName[],
  policies: Readonly<Record<string, SnapshotClientPolicy>> = {},
  routes: Readonly<Record<string, SnapshotNameRoute>> = {},
): { readonly names: SnapshotNames; readonly material: Readonly<Record<MaterialId, NameShard>> } {
  const count = shardCountOf(entries.length);
  const grouped = Map.groupBy(entries, ({ name }) => shardOfName(name, count));
  const shards = Array.from({ length: count }, (_, at) => {
    const shard: NameShard = { kind: "names", entries: grouped.get(at) ?? [] };
    const id = createHash("sha256").update(JSON.stringify(shard)).digest("hex") as MaterialId;
    return [id, shard] as const;
  });
  const certificates = new Set(entries.flatMap((entry) => entry.certificates ?? []));
  return {
    names: {
      shards: shards.map(([id]) => id),
      policies,
      routes,
      certificates: [...certificates],
    },
    material: Object.fromEntries(shards),
  };
}

/** Returns a policy that requires client certificates of the CA set, or none if it is undefined. */
export const clientPolicy = (
  name: string,
  trust: string | undefined,
  more: Partial<SnapshotClientPolicy["policy"]> = {},
): SnapshotClientPolicy => ({
  policy: {
    ...{ name, minVersion: "TLSv1.2", maxVersion: "TLSv1.3", alpn: [], tickets: true },
    cipherSuites: ["TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    groups: ["X25519"],
    ...more,
  },
  clientAuth: {
    mode: trust === undefined ? "none" : "require",
    trust: trust as MaterialId | undefined,
    partialChain: false,
  },
  sessionScope: `scope of ${name}`,
});

export const clientTls = (certificates: readonly string[]): SnapshotClientTls => ({
  ...clientPolicy("open", undefined),
  certificates: certificates as CertificateName[],
  strictServerName: false,
});
