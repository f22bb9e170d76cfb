import { readFileSync } from "node:fs";

/** Numbers of capabilities(7). */
const BITS = { setgid: 6, setuid: 7 } as const;

/** Whether this process may become another user and group. True for root, and for whom systemd gives CAP_SETUID. */
export function canSwitchUser(): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(tryOwnStatus())?.[1];
  if (hex === undefined) return process.getuid?.() === 0;
  const effective = BigInt(`0x${hex}`);
  return Object.values(BITS).every((bit) => ((effective >> BigInt(bit)) & 1n) === 1n);
}

function tryOwnStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
