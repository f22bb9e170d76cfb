import { readFileSync } from "node:fs";

/** Numbers of capabilities(7). */
const BITS = { setgid: 6, setuid: 7 } as const;

/** Whether this process may become another user and group. True for root, and for whom systemd gives CAP_SETUID. */
export function canSwitchUser(): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (hex === undefined) return false;
  const effective = BigInt(`0x${hex}`);
  return Object.values(BITS).every((bit) => ((effective >> BigInt(bit)) & 1n) === 1n);
}
