import { connect, type Socket } from "node:net";
import { errorCodeOf } from "#model/error-code.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";

/** Errors of the director itself, which lacks descriptors, memory or ports. They say nothing about the endpoint. */
const OWN_FAILURES: ReadonlySet<unknown> = new Set([
  ...["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EADDRNOTAVAIL"],
]);

/**
 * Opens a connection to the endpoint and closes it. Resolves to false if this fails or exceeds the timeout, and to undefined
 * if the director could not try it.
 */
export async function checkTcp(
  endpoint: SnapshotEndpoint,
  timeoutMs: number,
): Promise<boolean | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let socket: Socket | undefined;
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    socket = connect(targetOf(endpoint));
    socket.on("connect", () => resolve(true));
    socket.on("error", reject);
    return await promise;
  } catch (error) {
    return OWN_FAILURES.has(errorCodeOf(error)) ? undefined : false;
  } finally {
    clearTimeout(timer);
    socket?.destroy();
  }
}

const targetOf = (endpoint: SnapshotEndpoint) => {
  switch (endpoint.kind) {
    case "tcp":
      return { host: endpoint.address, port: endpoint.port };
    case "remote":
      return { host: endpoint.host, port: endpoint.port };
    case "unix":
      return { path: endpoint.path };
    default:
      return endpoint satisfies never;
  }
};
