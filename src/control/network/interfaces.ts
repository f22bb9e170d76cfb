import { networkInterfaces } from "node:os";
import { normaliseClientAddress, tryAddressBytes, type Cidr } from "#model/addresses/cidr.ts";

export interface InterfaceAddress {
  /** The name of the interface, e.g. `eth0`. */
  readonly name: string;
  readonly address: string;
  readonly network: Cidr;
  readonly isLoopback: boolean;
}

/** Returns the addresses of the interfaces that are up. An IPv6 address is in the list before it can be used. */
export function readInterfaces(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, cidr, internal }) => ({
      name,
      address: normaliseClientAddress(address),
      network: networkOf(address, Number(cidr?.slice(cidr.indexOf("/") + 1) ?? 128)),
      isLoopback: internal,
    })),
  );
}

/** Sets the bits of the host to zero. */
function networkOf(address: string, prefixBits: number): Cidr {
  const bytes = tryAddressBytes(address.split("%", 1)[0] ?? "") ?? new Uint8Array();
  const network = [...bytes].map((byte, at) => {
    const hostBits = Math.min(8, Math.max(0, 8 * (at + 1) - prefixBits));
    return (byte >> hostBits) << hostBits;
  });
  return { network, prefixBits };
}
