/** The limits of the contract of the store, which every adapter enforces. Each function throws RangeError. */
import { MAX_NOTE_BYTES, MAX_OPERATIONS, MAX_PUT_BYTES, type Hash, type Head } from "./store.ts";

export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_OPERATIONS) return;
  throw new RangeError(`${limit} is not a number from 1 to ${MAX_OPERATIONS}.`);
}

export const checkHashes = (hashes: readonly Hash[]): void => checkCount(hashes.length, "hashes");

export function checkPut(values: readonly string[]): void {
  checkCount(values.length, "values");
  const bytes = values.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (bytes > MAX_PUT_BYTES) throw new RangeError(`${bytes} bytes, of ${MAX_PUT_BYTES}.`);
}

export function checkAdvance(heads: readonly Head[]): void {
  checkCount(heads.length, "heads");
  const lines = new Set(heads.map(({ line }) => line));
  if (lines.size < heads.length) throw new RangeError("Two heads of the same line.");
  for (const head of heads) checkHead(head);
}

export function checkRewrite(heads: readonly Head[]): void {
  checkCount(heads.length, "heads");
  for (const head of heads) checkHead(head);
}

function checkHead({ number, parent, note }: Head): void {
  const isNumber = Number.isSafeInteger(number) && Number.isSafeInteger(parent);
  if (!isNumber || parent < 0 || number <= parent) {
    throw new RangeError(`A head ${number} that replaces ${parent}.`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(note));
  if (bytes > MAX_NOTE_BYTES) throw new RangeError(`A note of ${bytes} bytes.`);
}

function checkCount(count: number, what: string): void {
  if (count > MAX_OPERATIONS) throw new RangeError(`${count} ${what}, of ${MAX_OPERATIONS}.`);
}
