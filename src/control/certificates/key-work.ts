import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import type { KeyEncryption } from "./key-encryption.ts";

/**
 * How many iterations of PBKDF2 an import may take in all: half a second to two seconds of a core. OpenSSL writes 2,048 by default, keytool
 * 10,000, and Firefox 600,000 for each of three parts.
 */
export const MAX_ITERATIONS = 5_000_000;
/** How many iterations of PBKDF2 take as long as one of RFC 7292 appendix B. */
const PKCS12_WEIGHT = 4;
/** How many iterations of PBKDF2 take as long as one unit of scrypt, which is the product of its three parameters. */
const SCRYPT_WEIGHT = 2;
/** OpenSSL refuses to use more memory for scrypt. */
const MAX_SCRYPT_BYTES = 32 * 1024 * 1024;

/** What the cost of a decryption depends on. */
type KeyCost =
  | Pick<Extract<KeyEncryption, { readonly iterations: number }>, "kind" | "iterations">
  | Exclude<KeyEncryption, { readonly iterations: number }>;

/** What may still be spent on the decryption of keys. One value is used for everything that one operator imports. */
export class KeyWork {
  #left = MAX_ITERATIONS;

  /** Returns why the work must not be done, or undefined after it was counted. `blocks` is how often the derivation is run. */
  tryRefuse(encryption: KeyCost, place: string, blocks = 1): Problem | undefined {
    if (encryption.kind === "unsupported") {
      const message = `It is encrypted with ${encryption.name}, which is not supported.`;
      return problemOf("encryption-unsupported", place, message);
    }
    if (encryption.kind === "scrypt" && encryption.memoryBytes > MAX_SCRYPT_BYTES) {
      const message = `Its decryption with scrypt takes more than ${MAX_SCRYPT_BYTES / 1024 / 1024} MiB of memory.`;
      return problemOf("key-cost", place, message);
    }
    this.#left -= weightOf(encryption) * blocks;
    if (this.#left >= 0) return undefined;
    const what =
      encryption.kind === "scrypt"
        ? `a cost of ${encryption.cost}`
        : Number.isFinite(encryption.iterations)
          ? `${encryption.iterations} iterations`
          : "a number of iterations that is out of range";
    const message = `Its decryption takes too long: it is encrypted with ${what}.`;
    return problemOf("key-cost", place, message);
  }
}

function weightOf(encryption: Exclude<KeyCost, { readonly kind: "unsupported" }>): number {
  switch (encryption.kind) {
    case "pbkdf2":
      return encryption.iterations;
    case "pkcs12":
      return encryption.iterations * PKCS12_WEIGHT;
    case "scrypt":
      return encryption.cost * SCRYPT_WEIGHT;
    default:
      return encryption satisfies never;
  }
}
