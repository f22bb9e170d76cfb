import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from "node:crypto";
import Type from "typebox";
import { Check } from "typebox/value";
import { additionalDataOf, encryptBytes, tryDecryptBytes } from "./encrypt-bytes.ts";
import { EncryptedSchema } from "./seal-key.ts";

const FORMAT = 1;
const KEY_BYTES = 32;

/** What the keys that are derived from the data key are used for. */
type Use = "seal texts" | "make fingerprints";

const SealedTextSchema = Type.Object(
  { format: Type.Literal(FORMAT), ...EncryptedSchema.properties },
  { additionalProperties: false },
);

/** A text that is encrypted with the key of the store for texts. */
export type SealedText = Type.Static<typeof SealedTextSchema>;

export const isSealedText = (value: unknown): value is SealedText => Check(SealedTextSchema, value);

/**
 * Seals short texts, such as passphrases. All texts of a store have the same key, because there can be thousands of them in each of a
 * thousand revisions. Each sealing has a random nonce, so nobody can find out by trying whether a sealed text is a certain one.
 */
export class TextKey {
  readonly #sealingKey: KeyObject;
  readonly #fingerprintKey: Buffer;

  /** `dataKey` is set to zero. */
  constructor(dataKey: Buffer) {
    if (dataKey.length !== KEY_BYTES) throw new RangeError(`A key of ${dataKey.length} bytes.`);
    const key = createSecretKey(dataKey);
    dataKey.fill(0);
    const sealing = derived(key, "seal texts");
    this.#sealingKey = createSecretKey(sealing);
    sealing.fill(0);
    this.#fingerprintKey = derived(key, "make fingerprints");
  }

  /** The key of the fingerprints that are shown in place of secrets. */
  get fingerprintKey(): Buffer {
    return this.#fingerprintKey;
  }

  /** Seals a text that opens only in the same place. */
  seal(place: readonly string[], text: string): SealedText {
    const clear = Buffer.from(text, "utf8");
    const encrypted = encryptBytes(this.#sealingKey, clear, dataOf(place));
    clear.fill(0);
    return { format: FORMAT, ...encrypted };
  }

  /** Returns undefined if the text was altered, or if it was sealed with another key or in another place. */
  tryOpen(place: readonly string[], sealed: SealedText): string | undefined {
    const clear = tryDecryptBytes(this.#sealingKey, sealed, dataOf(place));
    const text = clear?.toString("utf8");
    clear?.fill(0);
    return text;
  }
}

/** Returns a new data key, of which a `TextKey` can be made. */
export const newTextDataKey = (): Buffer => randomBytes(KEY_BYTES);

const derived = (key: KeyObject, use: Use): Buffer =>
  Buffer.from(hkdfSync("sha256", key, "", `tlsd text key 1: ${use}`, KEY_BYTES));

/** The data key is of one store only, so the store need not be named. */
const dataOf = (place: readonly string[]): Buffer =>
  additionalDataOf(["tlsd text", `${FORMAT}`, ...place]);
