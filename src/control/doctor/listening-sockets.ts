import { open, readdir, readFile, readlink } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { normaliseClientAddress } from "#model/addresses/cidr.ts";
import { socketAddressOf } from "#model/names.ts";
import type { OtherListener } from "./doctor-facts.ts";

/** Sockets that listen come first in the file. */
const MAX_TABLE_BYTES = 1024 * 1024;
const MAX_PROCESSES = 8_192;
const MAX_FILES_PER_PROCESS = 4_096;

export interface ListeningSocket {
  readonly ip: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

/** The address of a listener of the director. */
export interface OwnAddress {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
}

const LISTEN = "0A";

/** Parses the lines of /proc/net/tcp or /proc/net/tcp6 of sockets that listen (proc_net_tcp(5)). */
export function parseListeningSockets(table: string): readonly ListeningSocket[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , uid = "", , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN) return [];
    const [address = "", port = ""] = local.split(":");
    return [{ ip: ipOf(address), port: Number.parseInt(port, 16), uid: Number(uid), inode }];
  });
}

/** The kernel prints each word of 4 bytes in the byte order of the processor, which is little-endian on what we run on. */
function ipOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return normaliseClientAddress(groups.join(":"));
}

/** A socket on `::` may accept connections to IPv4 addresses too. */
const covers = (bound: string, ip: string): boolean =>
  bound === "::" || (bound === "0.0.0.0" && isIPv4(ip)) || bound === ip;

/** Finds sockets of other processes at the addresses of listeners. `own` has the ids of the director's processes. */
export async function otherListeners(
  addresses: readonly OwnAddress[],
  own: { readonly pids: ReadonlySet<number>; readonly uids: ReadonlySet<number> },
): Promise<readonly OtherListener[]> {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => tryStart(`/proc/net/${name}`)));
  const byPort = new Map<number, OwnAddress[]>();
  for (const address of addresses) {
    const same = byPort.get(address.port) ?? [];
    same.push(address);
    byPort.set(address.port, same);
  }
  const found = tables.flatMap(parseListeningSockets).flatMap((socket) => {
    const listeners = (byPort.get(socket.port) ?? [])
      .filter(({ ip }) => covers(socket.ip, normaliseClientAddress(ip)))
      .map(({ name }) => name);
    return listeners.length === 0 ? [] : [{ socket, listeners }];
  });
  if (found.length === 0) return [];
  const owners = await ownersOf(new Set(found.map(({ socket }) => socket.inode)), own.pids);
  return found.flatMap(({ socket: { ip, port, uid, inode }, listeners }) => {
    const process = owners.get(inode);
    // The files of the workers cannot be read, because they run as another user.
    if (process === undefined && own.uids.has(uid)) return [];
    return [{ listeners, address: socketAddressOf(ip, port), uid, process }];
  });
}

/** Finds which processes beside `own` have the sockets. Processes of other users can be read by root only. */
async function ownersOf(
  inodes: ReadonlySet<string>,
  own: ReadonlySet<number>,
): Promise<ReadonlyMap<string, { readonly pid: number; readonly name: string }>> {
  const owners = new Map<string, { readonly pid: number; readonly name: string }>();
  const names = await tryList("/proc");
  const pids = names.flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  for (const pid of pids.filter((each) => !own.has(each)).slice(0, MAX_PROCESSES)) {
    const files = (await tryList(`/proc/${pid}/fd`)).slice(0, MAX_FILES_PER_PROCESS);
    for (const file of files) {
      const inode = /^socket:\[(\d+)\]$/.exec(await tryLink(`/proc/${pid}/fd/${file}`))?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      owners.set(inode, { pid, name: await tryName(pid) });
    }
  }
  return owners;
}

async function tryStart(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const buffer = Buffer.alloc(MAX_TABLE_BYTES);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString("latin1", 0, length);
  } catch {
    return "";
  }
}

async function tryList(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}

async function tryLink(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch {
    return "";
  }
}

async function tryName(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
  } catch {
    return "a program";
  }
}
