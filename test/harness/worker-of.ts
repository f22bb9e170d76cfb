import { openFilesOf } from "./process-facts.ts";
import type { SocketClient } from "./socket-client.ts";
import { tcpSockets } from "./tcp-sockets.ts";

/** Which of the processes has the other end of an IPv4 connection open. */
export function processOf(client: SocketClient, pids: readonly number[]): number {
  const peerPort = client.clientPort;
  const links = tcpSockets()
    .filter(({ remotePort }) => remotePort === peerPort)
    .map(({ inode }) => `socket:[${inode}]`);
  const found = pids.find((pid) => openFilesOf(pid).some((link) => links.includes(link)));
  if (found === undefined) throw new Error(`no process has the connection of port ${peerPort}`);
  return found;
}
