import { isMap, type Node } from "yaml";
import { isJsonMap, type Json, type JsonMap } from "#model/json.ts";
import { portOf } from "./merge-values.ts";

/** An entry of a map or of a list. */
interface Entry {
  /** Undefined in a list. */
  readonly key: string | undefined;
  readonly node: Node | null;
}

/** A wanted entry, and the entry of the file that becomes it. */
interface Placed<Own extends Entry> {
  readonly key: string | undefined;
  readonly value: Json;
  readonly entry: Own | undefined;
}

/** Finds the entry of each wanted value: by its key, in a list of listeners by the port, and in another list by its place. */
export const placedEntries = <Own extends Entry>(
  entries: readonly Own[],
  wanted: JsonMap | readonly Json[],
): readonly Placed<Own>[] =>
  isJsonMap(wanted)
    ? Object.entries(wanted).map(([key, value]) => ({
        ...{ key, value },
        entry: entries.find((entry) => entry.key === key),
      }))
    : wanted.map((value, at) => ({ key: undefined, value, entry: listed(entries, value, at) }));

function listed<Own extends Entry>(
  entries: readonly Own[],
  value: Json,
  at: number,
): Own | undefined {
  const port = portOf(value);
  if (port === undefined) return entries[at];
  return entries.find(({ node }) => isMap(node) && node.get("port") === port);
}
