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

/** How many sockets of this machine are connected to that port, or on their way there: SYN sent, and no answer. */
export function socketsTo(remotePort: number): {
  readonly connected: number;
  readonly connecting: number;
} {
  const states = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote]) => portOf(remote) === remotePort)
    .map(([, , , state]) => state);
  const count = (wanted: string): number => states.filter((state) => state === wanted).length;
  return { connected: count("01"), connecting: count("02") };
}
