import type { JsonMap } from "#model/json.ts";

export interface FleetSize {
  readonly servers: number;
  readonly profiles: number;
  /** Each has one listener. */
  readonly vnics: number;
}

export interface FleetSettings extends FleetSize {
  readonly port: number;
  readonly endpointPort: number;
  /** The paths of the certificate that all listeners use. */
  readonly chain: string;
  readonly key: string;
}

export const FLEET: FleetSize = { servers: 1_000, profiles: 500, vnics: 2_000 };

/** Loopback addresses, so that every virtual IP is local. */
export const virtualIpOf = (vnic: number): string =>
  `127.${64 + (vnic >> 16)}.${(vnic >> 8) & 255}.${vnic & 255}`;

/** Returns the name of a vNIC. */
export const fleetVnicOf = (vnic: number, { profiles }: FleetSize): string =>
  `vnic-${Math.floor(vnic / profiles)}.profile-${vnic % profiles}`;

/** Returns a document in which each profile lives on its share of the servers and has its share of the vNICs. */
export function fleetDocument(settings: FleetSettings): JsonMap {
  const { servers, profiles, vnics, port, endpointPort, chain, key } = settings;
  const listener = { port, to: endpointPort, certificates: ["fleet"], policy: "modern" };
  const serversOf = (profile: number): readonly string[] => {
    const share = Math.max(1, Math.floor(servers / profiles));
    return Array.from({ length: share }, (_, at) => `web-${(profile * share + at) % servers}`);
  };
  const vnicsOf = (profile: number): JsonMap => {
    const length = Math.ceil((vnics - profile) / profiles);
    return Object.fromEntries(
      Array.from({ length }, (_, at) => [
        `vnic-${at}`,
        { ip: virtualIpOf(at * profiles + profile), listeners: [listener] },
      ]),
    );
  };
  return {
    servers: Object.fromEntries(
      Array.from({ length: servers }, (_, at) => [`web-${at}`, { address: "127.0.0.1" }]),
    ),
    profiles: Object.fromEntries(
      Array.from({ length: profiles }, (_, at) => [
        `profile-${at}`,
        { servers: serversOf(at), vnics: vnicsOf(at) },
      ]),
    ),
    certificates: { fleet: { chain, key } },
  };
}
