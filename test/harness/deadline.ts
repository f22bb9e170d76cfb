import { setTimeout as delay } from "node:timers/promises";

/** Names the awaited condition in the error. A function is called at the deadline. */
type Subject = string | (() => string);

const pollIntervalMs = 20;

function expiry(what: Subject, deadlineMs: number, cause?: unknown): Error {
  const subject = typeof what === "string" ? what : what();
  return new Error(`${subject}: not within ${deadlineMs} ms`, { cause });
}

/** Rejects with a sentence that names `what` when `work` takes longer than `deadlineMs`. */
export async function withDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
  what: Subject,
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(expiry(what, deadlineMs));
  }, deadlineMs);
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Polls until `probe` returns something other than undefined or false, and returns that. What `probe` throws counts as
 * "not yet" and becomes the cause of the failure at the deadline, so an assertion may stand in it.
 */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 5_000,
  what: Subject = "the awaited condition",
): Promise<T> {
  const expiresAt = performance.now() + deadlineMs;
  for (;;) {
    let cause: unknown;
    try {
      const outcome = await probe();
      if (outcome !== undefined && outcome !== false) return outcome;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= expiresAt) {
      throw expiry(what, deadlineMs, cause);
    }
    await delay(pollIntervalMs);
  }
}
