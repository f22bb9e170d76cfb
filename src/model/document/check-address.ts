import { isIpAddress } from "../addresses/cidr.ts";
import { whyUnusable } from "../addresses/reserved-address.ts";
import type { Problem } from "../failure.ts";
import { problemOf, quoted } from "../problem.ts";

/** Refuses text that is not the IP address of one host. `use` says what it is to be, such as `a virtual IP`. */
export function checkAddress(path: string, address: string, use: string): readonly Problem[] {
  const reason = whyUnusable(address);
  if (reason !== undefined) {
    const message = `${quoted(address)} ${reason}, so it cannot be ${use}.`;
    const hint = "Use a unicast address that is not link-local, such as 192.0.2.1 or 2001:db8::1.";
    return [problemOf("bad-address", path, message, hint)];
  }
  if (isIpAddress(address) !== 0) return [];
  return [problemOf("bad-address", path, `${quoted(address)} is not an IPv4 or IPv6 address.`)];
}
