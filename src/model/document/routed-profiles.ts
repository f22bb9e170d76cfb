/** Which profiles the listeners of other profiles send clients of certain server names to. */
import type { Document } from "./document.ts";
import { nameRoutesOf, type NameRoute } from "./names-option.ts";
import type { Profile } from "./profile.ts";
import { Remembered } from "../remembered.ts";

/** The routes of the names of all listeners of a profile. */
const ROUTES = new Remembered((profile: Profile): readonly NameRoute[] =>
  Object.values(profile.vnics).flatMap(({ listeners }) =>
    listeners.flatMap((listener) =>
      "names" in listener ? [...nameRoutesOf(listener).values()] : [],
    ),
  ),
);

/** Returns the names of the profiles that the listeners of a profile lead to because of a server name. */
export const profilesRoutedFrom = (profile: Profile): readonly string[] =>
  ROUTES.of(profile).flatMap(({ profile: name }) => name ?? []);

/**
 * Returns the ports that routes lead to, by the name of the profile: ascending, separated by spaces. The texts are equal if the ports
 * are.
 */
export function portsRoutedTo({
  profiles,
}: Pick<Document, "profiles">): ReadonlyMap<string, string> {
  const ports = new Map<string, Set<number>>();
  for (const [name, profile] of Object.entries(profiles)) {
    for (const { profile: other = name, to } of ROUTES.of(profile)) {
      if (typeof to !== "number") continue;
      const known = ports.get(other) ?? new Set();
      ports.set(other, known.add(to));
    }
  }
  return new Map(
    Array.from(ports, ([name, known]) => [name, [...known].toSorted((a, b) => a - b).join(" ")]),
  );
}
