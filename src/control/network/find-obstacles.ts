import { createServer } from "node:net";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError, type FailureCode } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import { otherListeners } from "../doctor/listening-sockets.ts";
import type { Snapshot } from "#model/records/snapshot.ts";

const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: "address-in-use",
  EACCES: "address-not-permitted",
  EPERM: "address-not-permitted",
};

/** Why a listener of each of these virtual IPs cannot be opened. The errors name the listeners. */
export type Obstacles = ReadonlyMap<string, DirectorError>;

/**
 * Binds each address and port of `after` that is to be opened, and that is not in `held`, once without SO_REUSEPORT. Workers
 * bind with SO_REUSEPORT and would not notice another director on the same port. An address that this machine does not have is
 * no obstacle: no worker opens it, and the watch of addresses finds it.
 */
export async function findObstacles(
  held: ReadonlySet<string>,
  after: Snapshot,
): Promise<Obstacles> {
  const obstacles = new Map<string, DirectorError>();
  for (const { virtualIp, port, name } of newListenersOf(held, after)) {
    if (obstacles.has(virtualIp)) continue;
    const errno = await tryBind(virtualIp, port);
    if (errno !== undefined) obstacles.set(virtualIp, obstacleOf({ virtualIp, port, name }, errno));
  }
  return obstacles;
}

/**
 * Finds obstacles while workers of an earlier director share the addresses with new workers, so that a bind would fail. Finds
 * only sockets that listen. `own` has the ids of the processes of both directors.
 */
export async function findObstaclesBesideOrphans(
  held: ReadonlySet<string>,
  after: Snapshot,
  own: Parameters<typeof otherListeners>[1],
): Promise<Obstacles> {
  const wanted = newListenersOf(held, after);
  const addresses = wanted.map(({ name, virtualIp: ip, port }) => ({ name, ip, port }));
  const others = await otherListeners(addresses, own);
  const taken = new Set(others.flatMap(({ listeners }) => listeners));
  const obstacles = wanted.filter(({ name }) => taken.has(name));
  return new Map(
    obstacles.map((listener) => [listener.virtualIp, obstacleOf(listener, "EADDRINUSE")]),
  );
}

const newListenersOf = (held: ReadonlySet<string>, after: Snapshot): Snapshot["listeners"] => {
  const absent = new Set(after.absentIps);
  return after.listeners.filter(
    (listener) => !held.has(addressOf(listener)) && !absent.has(listener.virtualIp),
  );
};

/**
 * Returns the addresses and ports that workers hold when `after` is in force. A listening socket is kept while its virtual IP
 * is absent, because it works again when the address returns.
 */
export function heldAfter(
  before: ReadonlySet<string>,
  { listeners, absentIps }: Snapshot,
): ReadonlySet<string> {
  const absent = new Set(absentIps);
  const open = listeners.filter(
    (listener) => !absent.has(listener.virtualIp) || before.has(addressOf(listener)),
  );
  return new Set(open.map(addressOf));
}

const addressOf = ({ virtualIp, port }: Snapshot["listeners"][number]): string =>
  socketAddressOf(virtualIp, port);

const obstacleOf = (
  { virtualIp, port, name }: Pick<Snapshot["listeners"][number], "virtualIp" | "port" | "name">,
  errno: string,
): DirectorError =>
  new DirectorError(
    FAILURE_OF_ERRNO[errno] ?? "listener-unusable",
    `Listener ${name} on ${socketAddressOf(virtualIp, port)}: ${errno}.`,
  );

/** Resolves to the error code of a failure, and to undefined if the port is free or the machine does not have the address. */
async function tryBind(virtualIp: string, port: number): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy());
  const bound = Promise.withResolvers<void>();
  server.once("error", bound.reject);
  server.listen({ host: virtualIp, port, exclusive: true }, () => bound.resolve());
  try {
    await bound.promise;
  } catch (error) {
    const errno = errorCodeOf(error) ?? "";
    return errno === "EADDRNOTAVAIL" ? undefined : errno;
  }
  await new Promise((resolve) => server.close(resolve));
  return undefined;
}
