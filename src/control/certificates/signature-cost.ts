import type { CertificateFacts } from "#model/document/certificate.ts";
import type { Engine } from "#model/records/status.ts";

type Key = Pick<CertificateFacts, "keyType" | "keySize">;

/** CPU time of one signature in milliseconds, measured on one core. Only the order of magnitude matters. */
const COSTS_MS = {
  p256: { bun: 0.025, node: 0.06 },
  p521: { bun: 1.5, node: 1.8 },
  rsa4096: { bun: 4.9, node: 1.7 },
} as const satisfies Readonly<Record<string, Readonly<Record<Engine, number>>>>;

/** A signature with a shorter key takes less than 2 ms on each engine. */
const COSTLY_RSA_BITS = 4_096;
const COSTLY_EC_BITS = 521;

/** Returns what a signature costs, if that is so much that full handshakes cost little else. Otherwise returns undefined. */
export function costlyKeyText(key: Key): string | undefined {
  const costs = costsOf(key);
  if (costs === undefined) return undefined;
  const bun = textOf(costs.bun);
  const node = textOf(costs.node);
  const times = (engine: Engine): number => Math.round(costs[engine] / COSTS_MS.p256[engine]);
  return `Each full handshake signs with a key of type ${key.keyType} with ${key.keySize} bits, which takes about ${bun} of CPU time on engine bun and ${node} on node: ${times("bun")} and ${times("node")} times as much as with ECDSA on P-256.`;
}

function costsOf({ keyType, keySize }: Key): Readonly<Record<Engine, number>> | undefined {
  if (keyType === "ecdsa") return keySize >= COSTLY_EC_BITS ? COSTS_MS.p521 : undefined;
  if (keyType !== "rsa" || keySize < COSTLY_RSA_BITS) return undefined;
  // The time of a private RSA operation grows with the third power of the length of the key.
  const factor = (keySize / COSTLY_RSA_BITS) ** 3;
  const { bun, node } = COSTS_MS.rsa4096;
  return { bun: bun * factor, node: node * factor };
}

const textOf = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
