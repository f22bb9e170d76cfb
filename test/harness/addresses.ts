import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";

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

const given = new Set<number>();

/**
 * A port that was free a moment ago; on an address of `uniqueVirtualIp` nobody else takes it. The system may give a port twice, and
 * a vNIC must not have it twice.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject).listen(0, host, () => listening.resolve());
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  if (given.has(port)) return freePort(host);
  given.add(port);
  return port;
}

/** Whether this machine has ::1, the one IPv6 address that a test may listen on. */
export const hasIpv6Loopback = Object.values(networkInterfaces())
  .flat()
  .some((found) => found?.address === "::1");
