import { randomBytes, randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
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
  const open = async (): Promise<void> => {
    const [isThere, isOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    ended.push(isOver.promise);
    const socket = connect({ host, port });
    sockets.add(socket);
    socket.once("connect", () => {
      isThere.resolve();
      act(socket);
    });
    // A reset is how a flood is answered.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      isThere.resolve();
      isOver.resolve();
    });
    socket.resume();
    await isThere.promise;
  };
  const openSome = async (): Promise<void> => {
    while (ended.length < count) await open();
  };
  await Promise.all(Array.from({ length: connectsAtOnce }, openSome));
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
