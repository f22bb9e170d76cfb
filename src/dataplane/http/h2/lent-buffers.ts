const KIB = 1024;
/**
 * Small buffers stay in the caches, and most turns have only short answers for a session, or one of at most 16 KiB. The largest is
 * for many answers at once.
 */
const SIZES = [4 * KIB, 16 * KIB, 32 * KIB, 128 * KIB] as const;
export const LARGEST_BUFFER_BYTES = SIZES[3];
/** A block fits into one DATA frame. */
export const BLOCK_BYTES = SIZES[1];
/** The limit for the buffers of one size that nobody uses. */
const MAX_FREE_BYTES = 4 * KIB * KIB;

/** The buffers that sessions and streams have only while there is something in them. To allocate one costs more than to fill it. */
export class LentBuffers {
  readonly #free: readonly Buffer[][] = SIZES.map(() => []);

  /** Returns a buffer of at least this length, which is at most 128 KiB. */
  take(bytes: number): Buffer {
    const index = SIZES.findIndex((size) => bytes <= size);
    return this.#free[index]?.pop() ?? Buffer.allocUnsafeSlow(SIZES[index] ?? bytes);
  }

  /** Takes a buffer back. Others are ignored. */
  give(buffer: Buffer): void {
    const free = this.#free[SIZES.findIndex((size) => size === buffer.length)];
    if (free !== undefined && free.length * buffer.length < MAX_FREE_BYTES) free.push(buffer);
  }
}
