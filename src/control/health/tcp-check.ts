import { connect } from "node:net";
import type { SnapshotEndpoint } from "#model/snapshot.ts";

/** Opens a connection to the endpoint and closes it. False when that fails or takes longer. */
export function checkTcp(endpoint: SnapshotEndpoint, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(targetOf(endpoint));
  const timer = setTimeout(() => finish(false), timeoutMs);
  const finish = (isUp: boolean): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(isUp);
  };
  socket.on("connect", () => finish(true));
  socket.on("error", () => finish(false));
  return promise;
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
