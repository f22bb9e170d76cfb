const KIB = 1024;
/** Most turns have only short answers for a session, and small buffers stay in the caches. One block fits into one DATA frame. */
const SIZES = [4 * KIB, 16 * KIB, 128 * KIB] as const;
export const LARGEST_BUFFER_BYTES = SIZES[2];
export const BLOCK_BYTES = SIZES[1];
/** The limit for the buffers of one size that nobody uses. */
const MAX_FREE_BYTES = 4 * KIB * KIB;

/** The buffers that sessions and streams have only while there is something in them. To allocate one costs more than to fill it. */
export class LentBuffers {
  readonly #free: readonly Buffer[][] = SIZES.map(() => []);

  /** Returns a buffer of at least this length, which is at most 128 KiB. */
  take(bytes: number): Buffer {
    const index = bytes <= SIZES[0] ? 0 : bytes <= SIZES[1] ? 1 : 2;
    return this.#free[index]?.pop() ?? Buffer.allocUnsafeSlow(SIZES[index]);
  }

  /** Takes a buffer back. Others are ignored. */
  give(buffer: Buffer): void {
    const free = this.#free[SIZES.findIndex((size) => size === buffer.length)];
    if (free !== undefined && free.length * buffer.length < MAX_FREE_BYTES) free.push(buffer);
  }
}
