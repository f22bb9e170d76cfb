import { connect, type Socket } from "node:net";
import { errorCodeOf } from "#model/error-code.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import { failed, type CheckResult } from "./check-result.ts";

/** Errors of the director itself, which lacks descriptors, memory or ports. They say nothing about the endpoint. */
const OWN_FAILURES: ReadonlySet<unknown> = new Set([
  ...["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EADDRNOTAVAIL"],
]);

const FAILURE_OF_ERRNO: Readonly<Record<string, EndpointFailure>> = {
  ECONNREFUSED: "refused",
  // A unix socket that does not exist.
  ENOENT: "refused",
  ECONNRESET: "reset",
  ENOTFOUND: "name-not-found",
  ETIMEDOUT: "timeout",
};

/** Opens a connection to the endpoint and closes it. Resolves to undefined if the director could not try it. */
export async function checkTcp(
  endpoint: SnapshotEndpoint,
  timeoutMs: number,
): Promise<CheckResult | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
  let socket: Socket | undefined;
  const timer = setTimeout(() => resolve(failed("timeout")), timeoutMs);
  try {
    socket = connect(targetOf(endpoint));
    socket.on("connect", () => resolve({ isUp: true }));
    socket.on("error", reject);
    return await promise;
  } catch (error) {
    const code = errorCodeOf(error);
    if (OWN_FAILURES.has(code)) return undefined;
    return failed(FAILURE_OF_ERRNO[code ?? ""] ?? "unreachable");
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
