import { readFileSync } from "node:fs";

/** Bytes of one TCP socket that its peer has not acknowledged, and that its process has not read. proc(5), tcp. */
export interface TcpQueues {
  readonly unacknowledged: number;
  readonly unread: number;
}

const portOf = (address = ""): number => Number.parseInt(address.split(":")[1] ?? "", 16);

/** Of an IPv4 socket of this machine; undefined where there is none. */
export function tryTcpQueues(localPort: number, remotePort: number): TcpQueues | undefined {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (portOf(local) !== localPort || portOf(remote) !== remotePort) continue;
    const [unacknowledged = 0, unread = 0] = (queues ?? "")
      .split(":")
      .map((field) => Number.parseInt(field, 16));
    return { unacknowledged, unread };
  }
  return undefined;
}

/** How many sockets of this machine are on their way to that port: SYN sent, and no answer. */
export function connectingTo(remotePort: number): number {
  const synSent = "02";
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return state === synSent && portOf(remote) === remotePort;
  }).length;
}
