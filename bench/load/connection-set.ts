import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import type { LoadPlan } from "./load-messages.ts";
import { TlsClient } from "./tls-client.ts";

const closeDeadlineMs = 10_000;
const openInParallel = 32;

/** Connections that stay open for a whole run. The first error or early end of any of them rejects `broken`. */
export interface ConnectionSet {
  readonly sockets: readonly TLSSocket[];
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

export async function openConnectionSet(
  { target, terms }: LoadPlan,
  count: number,
): Promise<ConnectionSet> {
  const client = new TlsClient(target, terms);
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  const sockets: TLSSocket[] = [];
  let isClosing = false;
  let opened = 0;

  async function openInTurn(): Promise<void> {
    while (opened < count) {
      opened += 1;
      const socket = await client.open(reject);
      socket.once("close", () => isClosing || reject(new Error("it closed an open connection")));
      sockets.push(socket);
    }
  }
  await Promise.all(Array.from({ length: Math.min(openInParallel, count) }, openInTurn));

  async function close(): Promise<void> {
    isClosing = true;
    const stillOpen = sockets.filter((socket) => !socket.closed);
    const closed = stillOpen.map((socket) => once(socket, "close"));
    const deadline = setTimeout(
      () => sockets.forEach((socket) => socket.destroy()),
      closeDeadlineMs,
    );
    sockets.forEach((socket) => socket.end());
    await Promise.all(closed);
    clearTimeout(deadline);
  }
  return { sockets, broken, close };
}
