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

export function effectOf(before: Snapshot | undefined, after: Snapshot): ChangeEffect {
  const old = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  const names = new Set(after.listeners.map(({ name }) => name));
  return {
    opens: [...names].filter((name) => !old.has(name)),
    closes: [...old.keys()].filter((name) => !names.has(name)),
    changes: after.listeners
      .filter((listener) => {
        const known = old.get(listener.name);
        return known !== undefined && !isDeepStrictEqual(known, listener);
      })
      .map(({ name }) => name),
  };
}
