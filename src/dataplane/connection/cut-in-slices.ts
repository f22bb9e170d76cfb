import { inSlices, type Steps } from "../live/in-slices.ts";
import type { ConnectionState } from "./connection-state.ts";

/** Cuts connections, with pauses in which others are served. Resolves to the number that had not ended before. */
export const cutInSlices = (
  connections: readonly ConnectionState[],
  cutOne: (connection: ConnectionState) => void,
): Promise<number> => inSlices(cutAll(connections, cutOne));

function* cutAll(
  connections: readonly ConnectionState[],
  cutOne: (connection: ConnectionState) => void,
): Steps<number> {
  let cut = 0;
  for (const connection of connections) {
    if (connection.isOver) continue;
    cutOne(connection);
    cut += 1;
    yield;
  }
  return cut;
}
