import { freePort } from "../free-port.ts";
import type { KeyType } from "../load/terms.ts";
import type { SiteListener } from "./subject.ts";

/** More than a few are not asked for one by one; these are below the ports that the system hands out. */
const fewListeners = 4;
const firstPort = 20_000;
const lastPort = 31_000;
/** A vNIC of the director has 1,024 listeners at most. */
const listenersPerVirtualIp = 1_000;

/** Subjects of several shapes are up at the same time, on the same addresses. */
let nextPort = firstPort;

/** From the subject's virtual IP on, a few on free ports or many on fixed ones. */
export async function placeListeners(
  firstVirtualIp: string,
  keyTypes: readonly KeyType[],
): Promise<SiteListener[]> {
  const listeners: SiteListener[] = [];
  const portCount = Math.min(keyTypes.length, listenersPerVirtualIp);
  const basePort = nextPort + portCount > lastPort ? firstPort : nextPort;
  nextPort = basePort + portCount;
  for (const [index, keyType] of keyTypes.entries()) {
    const virtualIp = virtualIpAfter(firstVirtualIp, Math.floor(index / listenersPerVirtualIp));
    const port =
      keyTypes.length <= fewListeners
        ? await freePort(virtualIp)
        : basePort + (index % listenersPerVirtualIp);
    listeners.push({ virtualIp, port, keyType });
  }
  return listeners;
}

/** Subjects differ in the last part of their address, so the one before counts. */
function virtualIpAfter(firstVirtualIp: string, steps: number): string {
  return firstVirtualIp
    .split(".")
    .map((part, index) => (index === 2 ? String(Number(part) + steps) : part))
    .join(".");
}
