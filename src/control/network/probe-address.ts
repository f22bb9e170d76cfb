import { createServer } from "node:net";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError, type FailureCode } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import type { Snapshot } from "#model/records/snapshot.ts";

const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: "address-in-use",
  EACCES: "address-not-permitted",
  EPERM: "address-not-permitted",
};

/**
 * Binds each address and port of `after` that is to be opened, and that is not in `held`, once without SO_REUSEPORT. Workers
 * bind with SO_REUSEPORT and would not notice another director on the same port. Throws DirectorError that names the listener.
 * An address that this machine does not have is not refused: no worker opens it, and the watch of addresses finds it.
 */
export async function probeNewAddresses(held: ReadonlySet<string>, after: Snapshot): Promise<void> {
  const absent = new Set(after.absentIps);
  for (const listener of after.listeners) {
    if (held.has(addressOf(listener)) || absent.has(listener.virtualIp)) continue;
    await probeAddress(listener.virtualIp, listener.port, listener.name);
  }
}

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

async function probeAddress(virtualIp: string, port: number, listener: string): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  const bound = Promise.withResolvers<void>();
  server.once("error", bound.reject);
  server.listen({ host: virtualIp, port, exclusive: true }, () => bound.resolve());
  try {
    await bound.promise;
  } catch (error) {
    const errno = errorCodeOf(error) ?? "";
    if (errno === "EADDRNOTAVAIL") return;
    throw new DirectorError(
      FAILURE_OF_ERRNO[errno] ?? "listener-unusable",
      `Listener ${listener} on ${socketAddressOf(virtualIp, port)}: ${errno}.`,
      { cause: error },
    );
  }
  await new Promise((resolve) => server.close(resolve));
}
