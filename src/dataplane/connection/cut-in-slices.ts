import { setImmediate as nextTurn } from "node:timers/promises";
import type { ConnectionState } from "./connection-state.ts";

/** How long connections are cut before the event loop continues. */
const SLICE_MS = 5;

/** Cuts connections, with pauses in which others are served. Resolves to the number that had not ended before. */
export async function cutInSlices(
  connections: readonly ConnectionState[],
  cutOne: (connection: ConnectionState) => void,
): Promise<number> {
  let cut = 0;
  let sliceStartedMs = performance.now();
  for (const connection of connections) {
    if (connection.isOver) continue;
    cutOne(connection);
    cut += 1;
    if (performance.now() - sliceStartedMs < SLICE_MS) continue;
    // The slices are sequential, because the event loop has to serve others between them.
    // oxlint-disable-next-line no-await-in-loop
    await nextTurn();
    sliceStartedMs = performance.now();
  }
  return cut;
}
