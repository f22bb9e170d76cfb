import type { Document } from "./document.ts";
import type { Listener } from "./listener.ts";
import { listenerNameOf, vnicNameOf, type ListenerName, type VnicName } from "../names.ts";
import { pathOf } from "../problem.ts";
import type { Profile } from "./profile.ts";
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
export const vnicsOf = (document: Document): readonly VnicPlace[] =>
  Object.entries(document.profiles).flatMap(([profileName, profile]) =>
    Object.entries(profile.vnics).map(([name, vnic]) => ({
      name: vnicNameOf(name, profileName),
      path: pathOf("profiles", profileName, "vnics", name),
      profileName,
      profile,
      vnic,
    })),
  );

/** Returns every listener of the document, in the order of the document. */
export const listenersOf = (document: Document): readonly ListenerPlace[] =>
  vnicsOf(document).flatMap(listenersOfVnic);

export const listenersOfVnic = (owner: VnicPlace): readonly ListenerPlace[] =>
  owner.vnic.listeners.map((listener, index) => ({
    name: listenerNameOf(owner.name, listener.port),
    path: `${owner.path}.listeners[${index}]`,
    owner,
    listener,
  }));
