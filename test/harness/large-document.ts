import type { WrittenDocument } from "#model/document/written-document.ts";
import type { JsonMap } from "#model/json.ts";

const VNICS_PER_PROFILE = 8;

const vnicOf = (at: number): JsonMap => ({
  ip: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
  qos: { rate: "100m_1g", priority: 5, maxConnections: 20_000 },
  listeners: [
    { port: 80, mode: "redirect" },
    {
      ...{ port: 443, to: 8080, certificates: ["shop"], policy: "partners", proxyProtocol: "v2" },
      health: { interval: "5s", rise: 1 },
    },
  ],
});

/** Returns a document with that many vNICs in profiles of eight. With `change`, it has one more, which is unique to it. */
export function largeDocument(vnics: number, change?: number): WrittenDocument {
  const profiles = Array.from({ length: Math.ceil(vnics / VNICS_PER_PROFILE) }, (_, at) => {
    const first = at * VNICS_PER_PROFILE;
    const length = Math.min(VNICS_PER_PROFILE, vnics - first);
    const own = Array.from({ length }, (__, index) => [`vnic-${index}`, vnicOf(first + index)]);
    const profile: JsonMap = { servers: ["web-1"], vnics: Object.fromEntries(own) as JsonMap };
    return [`profile-${at}`, profile] as const;
  });
  const [name = "", profile] = profiles[profiles.length >> 1] ?? [];
  const changed = {
    ...profile,
    vnics: { ...mapOf(profile?.["vnics"]), added: vnicOf(1_000_000 + (change ?? 0)) },
  };
  return {
    servers: { "web-1": { address: "127.0.0.1" } },
    profiles: {
      ...Object.fromEntries(profiles),
      ...(change === undefined ? {} : { [name]: changed }),
    },
    certificates: { shop: { chain: "/etc/tlsd/shop.pem", key: "/etc/tlsd/shop.key" } },
    policies: { partners: { base: "modern" } },
  };
}

const mapOf = (value: unknown): JsonMap => value as JsonMap;
