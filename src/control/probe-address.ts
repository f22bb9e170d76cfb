import { createServer } from "node:net";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError, type FailureCode } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import type { Snapshot } from "#model/records/snapshot.ts";

const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-available",
  EACCES: "address-not-permitted",
  EPERM: "address-not-permitted",
};

/**
 * Binds each address and port that is in `after` but not in `before` once without SO_REUSEPORT. Workers bind with SO_REUSEPORT and
 * would not notice another director on the same port. Throws DirectorError that names the listener.
 */
export async function probeNewAddresses(
  before: Snapshot | undefined,
  after: Snapshot,
): Promise<void> {
  const held = new Set(before?.listeners.map(addressOf));
  for (const listener of after.listeners) {
    if (held.has(addressOf(listener))) continue;
    await probeAddress(listener.virtualIp, listener.port, listener.name);
  }
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
    throw new DirectorError(
      FAILURE_OF_ERRNO[errno] ?? "listener-unusable",
      `Listener ${listener} on ${socketAddressOf(virtualIp, port)}: ${errno}.`,
      { cause: error },
    );
  }
  await new Promise((resolve) => server.close(resolve));
}
