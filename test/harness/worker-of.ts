import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { SocketClient } from "./socket-client.ts";

/** Which of the processes has the other end of an IPv4 connection open. /proc/net/tcp, proc(5). */
export function processOf(client: SocketClient, pids: readonly number[]): number {
  const peerPort = client.clientPort.toString(16).toUpperCase().padStart(4, "0");
  const inodes = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote]) => remote?.endsWith(`:${peerPort}`))
    .map((fields) => `socket:[${fields[9]}]`);
  const found = pids.find((pid) => linksOf(pid).some((link) => inodes.includes(link)));
  if (found === undefined) throw new Error(`no process has the connection of port ${peerPort}`);
  return found;
}

const linksOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
