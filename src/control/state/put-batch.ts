import { MAX_OPERATIONS, MAX_PUT_BYTES, type Store } from "./store.ts";

/** Puts any number of values, as many in one call as the limits of the store allow. */
export class PutBatch {
  readonly #store: Pick<Store, "put">;
  #values: string[] = [];
  #bytes = 0;

  constructor(store: Pick<Store, "put">) {
    this.#store = store;
  }

  async add(value: string): Promise<void> {
    const bytes = Buffer.byteLength(value);
    if (this.#values.length === MAX_OPERATIONS || this.#bytes + bytes > MAX_PUT_BYTES) {
      await this.flush();
    }
    this.#values.push(value);
    this.#bytes += bytes;
  }

  /** Resolves when every value that was added is on the disk. */
  async flush(): Promise<void> {
    if (this.#values.length > 0) await this.#store.put(this.#values);
    this.#values = [];
    this.#bytes = 0;
  }
}
