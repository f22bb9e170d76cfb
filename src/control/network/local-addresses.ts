import { createServer } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { cidrsContain } from "#model/addresses/cidr.ts";
import { errorCodeOf } from "#model/error-code.ts";
import { readInterfaces, type InterfaceAddress } from "./interfaces.ts";

/** Resolves to whether a socket can be bound to the address. */
export type AddressProbe = (ip: string) => Promise<boolean>;

/** A kernel without IPv6 reports EAFNOSUPPORT. */
const ABSENT_CODES = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];
/** How many addresses are probed before other work has its turn. */
const BATCH = 64;

/**
 * Binds an unused port of the address. Only this is reliable: a route of type `local` makes addresses usable that no interface
 * has, and an IPv6 address of an interface cannot be used before duplicate address detection has ended (RFC 4862 section 5.4).
 * A failure of the process itself, e.g. EMFILE, does not count as an absent address.
 */
export const bindProbe: AddressProbe = (ip) => {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", (error) => resolve(!ABSENT_CODES.includes(errorCodeOf(error) ?? "")));
  server.listen({ host: ip, port: 0, exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
};

/** Finds out which virtual IPs this machine has. One that it has is probed again only if the interfaces have changed since. */
export class LocalAddresses {
  readonly #probe: AddressProbe;
  readonly #interfaces: () => readonly InterfaceAddress[];
  readonly #present = new Set<string>();
  #signature = "";

  constructor(probe: AddressProbe = bindProbe, interfaces = readInterfaces) {
    this.#probe = probe;
    this.#interfaces = interfaces;
  }

  /** Resolves to those of the normalised addresses that this machine does not have. */
  async absentOf(ips: Iterable<string>): Promise<ReadonlySet<string>> {
    const isListed = this.#readList();
    const unknown = [...ips].filter((ip) => !this.#present.has(ip) && !isListed(ip));
    const absent = new Set<string>();
    for (let at = 0; at < unknown.length; at += BATCH) {
      const probeOne = async (ip: string): Promise<void> => {
        if (await this.#probe(ip)) this.#present.add(ip);
        else absent.add(ip);
      };
      await Promise.all(unknown.slice(at, at + BATCH).map(probeOne));
      await nextTurn();
    }
    return absent;
  }

  /** Returns those of the addresses that an interface has. An IPv6 address among them may not be usable yet. */
  listedOf(ips: readonly string[]): readonly string[] {
    const listed = new Set(this.#interfaces().map(({ address }) => address));
    return ips.filter((ip) => listed.has(ip));
  }

  /** Makes the next `absentOf` probe addresses again that were found before. */
  forget(): void {
    this.#present.clear();
  }

  /** Returns which IPv4 addresses need no probe. On a loopback interface, the kernel has every address of the network. */
  #readList(): (ip: string) => boolean {
    const interfaces = this.#interfaces();
    const signature = interfaces
      .map(({ name, address, network }) => `${name} ${address}/${network.prefixBits}`)
      .join();
    if (signature !== this.#signature) this.forget();
    this.#signature = signature;
    const addresses = new Set(interfaces.map(({ address }) => address));
    const loopback = interfaces.flatMap(({ isLoopback, network }) => (isLoopback ? [network] : []));
    return (ip) => !ip.includes(":") && (addresses.has(ip) || cidrsContain(loopback, ip));
  }
}
