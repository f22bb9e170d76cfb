import { normaliseClientAddress } from "#model/addresses/cidr.ts";
import { vnicsOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Vnic } from "#model/document/vnic.ts";
import type { VnicName } from "#model/names.ts";
import type { FailureCode } from "#model/failure.ts";
import type { Obstacles } from "./find-obstacles.ts";

/** Why no listener is opened on a virtual IP. */
export interface Absence {
  /** `address-not-available`, or why the listeners cannot be opened on an address that has appeared. */
  readonly code: FailureCode;
  readonly reason: string;
}

/** The virtual IPs on which no listener is opened, in the form of `virtualIpOf`. */
export type Absences = ReadonlyMap<string, Absence>;

export const NO_ABSENCES: Absences = new Map();

export const virtualIpOf = ({ ip }: Vnic): string => normaliseClientAddress(ip);

/** Returns the virtual IPs of the vNICs that the operator wants to be up. */
export const wantedIpsOf = (document: Document): readonly string[] =>
  vnicsOf(document).flatMap(({ vnic }) => (vnic.admin === "up" ? [virtualIpOf(vnic)] : []));

/** Returns the vNICs that are down because of their virtual IPs. */
export function absentVnicsOf(state: {
  readonly document: Document;
  readonly absences: Absences;
}): readonly VnicName[] {
  if (state.absences.size === 0) return [];
  return vnicsOf(state.document).flatMap(({ name, vnic }) =>
    vnic.admin === "up" && state.absences.has(virtualIpOf(vnic)) ? [name] : [],
  );
}

export const absenceOf = (ip: string): Absence => ({
  code: "address-not-available",
  reason: `This machine does not have the virtual IP ${ip}.`,
});

export const absencesFrom = (obstacles: Obstacles): Absences =>
  new Map(Array.from(obstacles, ([ip, { code, message }]) => [ip, { code, reason: message }]));

export const isSameAbsences = (one: Absences, other: Absences): boolean =>
  one.size === other.size && [...one].every(([ip, { code }]) => other.get(ip)?.code === code);
