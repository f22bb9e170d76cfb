import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { errorCodeOf } from "#model/error-code.ts";

let used = 0;

/**
 * An address in 127.16.0.0 to 127.215.255.255 that no other test process hands out at the same time, so that every test
 * may listen on 8443. The demo document's 127.0.x.y stay free.
 */
export function uniqueVirtualIp(): string {
  used += 1;
  if (used > 254) throw new Error("a test process has 254 virtual IPs");
  return `127.${16 + ((process.pid >> 8) % 200)}.${process.pid & 255}.${used}`;
}

/**
 * Linux gives a socket that names no port one from 32,768 on (ip_local_port_range in ip(7)). Neither an endpoint nor a client of
 * another test can take a port of this range meanwhile.
 */
const ports = { first: 20_000, count: 12_000 };
const given = new Set<number>();

/** A port on which nobody listens, and on which only the test that asked for it will. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    const port = ports.first + Math.floor(ports.count * Math.random());
    if (!given.has(port) && (await canListen(host, port))) {
      given.add(port);
      return port;
    }
  }
}

async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const listening = Promise.withResolvers<boolean>();
  server.once("error", (error) => {
    if (errorCodeOf(error) === "EADDRINUSE") listening.resolve(false);
    else listening.reject(error);
  });
  server.listen(port, host, () => listening.resolve(true));
  if (!(await listening.promise)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Whether this machine has ::1, the one IPv6 address that a test may listen on. */
export const hasIpv6Loopback = Object.values(networkInterfaces())
  .flat()
  .some((found) => found?.address === "::1");
