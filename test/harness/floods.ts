import { randomBytes, randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";

export interface FloodTarget {
  readonly host: string;
  readonly port: number;
}

/** Connects that are under way at once: more than a listening socket queues, fewer than the kernel's SYN backlog. */
const connectsAtOnce = 1_000;
const endDeadlineMs = 120_000;

/** Opens so many connections and does `act` with each once it is there; resolves when the director has ended them all. */
async function flood(
  { host, port }: FloodTarget,
  count: number,
  act: (socket: Socket) => void,
): Promise<void> {
  const sockets = new Set<Socket>();
  const ended: Promise<void>[] = [];
  closeAtTestEnd(() => {
    for (const socket of sockets) socket.destroy();
  });
  let connecting = 0;
  for (let opened = 0; opened < count; opened += 1) {
    while (connecting >= connectsAtOnce) await nextTurn();
    connecting += 1;
    const socket = connect({ host, port });
    sockets.add(socket);
    const { promise, resolve } = Promise.withResolvers<void>();
    ended.push(promise);
    let isConnecting = true;
    const connected = (): void => {
      if (isConnecting) connecting -= 1;
      isConnecting = false;
    };
    socket.once("connect", () => {
      connected();
      act(socket);
    });
    // A reset is how a flood is answered.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      connected();
      sockets.delete(socket);
      resolve();
    });
    socket.resume();
  }
  await withDeadline(
    Promise.all(ended),
    endDeadlineMs,
    () => `the end of a flood, of which ${sockets.size} connections are open`,
  );
}

/** Clients that say nothing. */
export const floodSilently = (target: FloodTarget, count: number): Promise<void> =>
  flood(target, count, () => undefined);

/** Clients that leave as soon as they have come. */
export const floodAndLeave = (target: FloodTarget, count: number): Promise<void> =>
  flood(target, count, (socket) => void socket.destroy());

/** Clients that send chance. Its first byte is neither that of TLS nor a letter, so that none of it is taken for a beginning. */
export const floodWithGarbage = (target: FloodTarget, count: number): Promise<void> =>
  flood(target, count, (socket) => {
    const bytes = randomBytes(randomInt(1, 2_000));
    bytes[0] = randomInt(0, 16);
    socket.write(bytes);
  });
