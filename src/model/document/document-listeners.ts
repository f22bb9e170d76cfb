import type { Document } from "./document.ts";
import type { Listener } from "./listener.ts";
import { listenerNameOf, vnicNameOf, type ListenerName, type VnicName } from "../names.ts";
import { pathOf } from "../problem.ts";
import type { Profile } from "./profile.ts";
import { frozen, Remembered } from "../remembered.ts";
import type { Vnic } from "./vnic.ts";

/** A vNIC, the profile that it belongs to, and its path in the document. */
export interface VnicPlace {
  readonly name: VnicName;
  readonly path: string;
  readonly profileName: string;
  readonly profile: Profile;
  readonly vnic: Vnic;
}

/** A listener, the vNIC that it belongs to, and its path in the document. */
export interface ListenerPlace<OfMode extends Listener = Listener> {
  readonly name: ListenerName;
  readonly path: string;
  readonly owner: VnicPlace;
  readonly listener: OfMode;
}

/** Returns every vNIC of the document, in the order of the document. */
export const vnicsOf = ({ profiles }: Pick<Document, "profiles">): readonly VnicPlace[] =>
  PLACES.of(profiles).vnics;

/** Returns every listener of the document, in the order of the document. */
export const listenersOf = ({ profiles }: Pick<Document, "profiles">): readonly ListenerPlace[] =>
  PLACES.of(profiles).listeners;

/** Returns the listeners of one vNIC, in the order of the document. */
export const listenersOfVnic = (owner: VnicPlace): readonly ListenerPlace[] => LISTENERS.of(owner);

/** Returns the vNICs of one profile, in the order of the document. */
export function vnicsOfProfile(profileName: string, profile: Profile): readonly VnicPlace[] {
  const known = VNICS.get(profile);
  if (known?.profileName === profileName) return known.vnics;
  const vnics = Object.entries(frozen(profile).vnics).map(([name, vnic]) => ({
    name: vnicNameOf(name, profileName),
    path: pathOf("profiles", profileName, "vnics", name),
    profileName,
    profile,
    vnic,
  }));
  VNICS.set(profile, { profileName, vnics });
  return vnics;
}

interface Places {
  readonly vnics: readonly VnicPlace[];
  readonly listeners: readonly ListenerPlace[];
}

const VNICS = new WeakMap<
  Profile,
  { readonly profileName: string; readonly vnics: readonly VnicPlace[] }
>();

const LISTENERS = new Remembered((owner: VnicPlace): readonly ListenerPlace[] =>
  owner.vnic.listeners.map((listener, index) => ({
    name: listenerNameOf(owner.name, listener.port),
    path: `${owner.path}.listeners[${index}]`,
    owner,
    listener,
  })),
);

const PLACES = new Remembered((profiles: Document["profiles"]): Places => {
  const vnics = Object.entries(profiles).flatMap(([name, profile]) =>
    vnicsOfProfile(name, profile),
  );
  return { vnics, listeners: vnics.flatMap(listenersOfVnic) };
});
