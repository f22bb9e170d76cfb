import type { WireHandler } from "../wire/wire.ts";
import type { ConnectionState } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";
import { OpeningBytes } from "./opening-bytes.ts";

/**
 * Reads the first bytes of a client until `parse` returns a result. `parse` is called with all bytes so far, returns
 * undefined if it needs more, and must bound how many it needs. Resolves with the result and all bytes that were read,
 * with the socket held. Resolves with undefined if the connection has ended.
 */
export function readOpening<Found>(
  connection: ConnectionState,
  firstBytes: Buffer | undefined,
  parse: (bytes: Buffer) => Found | undefined,
): Promise<{ readonly found: Found; readonly bytes: Buffer } | undefined> {
  const { client, plane } = connection;
  if (firstBytes !== undefined && firstBytes.length > 0) {
    const found = parse(firstBytes);
    if (found !== undefined) return Promise.resolve({ found, bytes: firstBytes });
  }
  const opening = new OpeningBytes(firstBytes);
  return new Promise((resolve) => {
    const over = (): void => resolve(undefined);
    const handler: WireHandler = {
      onOpen() {},
      onDrain() {},
      onData(chunk, isLent) {
        connection.isProbe = false;
        const bytes = opening.add(chunk, isLent);
        const found = parse(bytes);
        plane.openingMemory.hold(connection, opening.capacity);
        if (connection.isOver) return over();
        if (found === undefined) return;
        client.hold();
        resolve({ found, bytes });
      },
      onEnd() {
        refuseConnection(connection, "closed");
        over();
      },
      onClose(failure) {
        refuseConnection(connection, failure === undefined ? "closed" : "reset");
        over();
      },
    };
    client.handler = handler;
    client.resume();
  });
}
