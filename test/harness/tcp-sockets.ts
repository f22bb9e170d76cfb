import { readFileSync } from "node:fs";

/** Bytes of one TCP socket that its peer has not acknowledged, and that its process has not read. */
export interface TcpQueues {
  readonly unacknowledged: number;
  readonly unread: number;
}

interface TcpSocket extends TcpQueues {
  readonly localPort: number;
  readonly remotePort: number;
  /** A number of the kernel, in two hexadecimal digits. */
  readonly state: string;
  /** The number in the link of the open file. */
  readonly inode: string;
}

const established = "01";
const synSent = "02";

const portOf = (address = ""): number => Number.parseInt(address.split(":")[1] ?? "", 16);

/** The IPv4 sockets of this machine. /proc/net/tcp, proc(5). */
export function tcpSockets(): readonly TcpSocket[] {
  const [, ...lines] = readFileSync("/proc/net/tcp", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, local, remote, state = "", queues = "", , , , , inode = ""] = line.trim().split(/\s+/);
    const [unacknowledged = 0, unread = 0] = queues
      .split(":")
      .map((field) => Number.parseInt(field, 16));
    const ports = { localPort: portOf(local), remotePort: portOf(remote) };
    return { ...ports, state, inode, unacknowledged, unread };
  });
}

/** Returns undefined if there is no such socket. */
export function tryTcpQueues(localPort: number, remotePort: number): TcpQueues | undefined {
  return tcpSockets().find(
    (socket) => socket.localPort === localPort && socket.remotePort === remotePort,
  );
}

/** How many sockets of this machine are connected to that port, or on their way there: SYN sent, and no answer. */
export function socketsTo(remotePort: number): {
  readonly connected: number;
  readonly connecting: number;
} {
  const sockets = tcpSockets().filter((socket) => socket.remotePort === remotePort);
  const count = (wanted: string): number => sockets.filter(({ state }) => state === wanted).length;
  return { connected: count(established), connecting: count(synSent) };
}
