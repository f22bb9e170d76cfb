import { isDeepStrictEqual } from "node:util";
import type { ListenerName } from "#model/names.ts";
import type { Snapshot } from "#model/records/snapshot.ts";

/** The listeners that a change affects, in the order of the document. All others notice nothing. */
export interface ChangeEffect {
  readonly opens: readonly ListenerName[];
  readonly closes: readonly ListenerName[];
  /** Listeners that stay open with other settings. */
  readonly changes: readonly ListenerName[];
}

/** Returns the listeners whose virtual IPs this machine has. */
export function openListenersOf({ listeners, absentIps }: Snapshot): Snapshot["listeners"] {
  if (absentIps.length === 0) return listeners;
  const absent = new Set(absentIps);
  return listeners.filter(({ virtualIp }) => !absent.has(virtualIp));
}

export function effectOf(before: Snapshot | undefined, after: Snapshot): ChangeEffect {
  const old = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  const names = new Set(after.listeners.map(({ name }) => name));
  const wasOpen = new Set(before && openListenersOf(before).map(({ name }) => name));
  return {
    opens: openListenersOf(after).flatMap(({ name }) => (wasOpen.has(name) ? [] : [name])),
    closes: [...wasOpen].filter((name) => !names.has(name)),
    changes: after.listeners
      .filter((listener) => {
        const known = old.get(listener.name);
        return known !== undefined && !isDeepStrictEqual(known, listener);
      })
      .map(({ name }) => name),
  };
}
