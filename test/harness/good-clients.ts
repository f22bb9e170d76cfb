import assert from "node:assert/strict";
import type { TlsClient } from "./tls-client.ts";

export interface GoodClients {
  readonly served: number;
  /** The times from connect to the whole answer, in milliseconds, sorted. */
  readonly durationsMs: readonly number[];
}

const deadlineMs = 60_000;

/**
 * Lets so many clients a second come, each with a connection of its own and one exchange with an echo endpoint, until
 * `end` has come, and for a second at least. Rejects when one of them is not served whole.
 */
export async function keepComing(
  connect: (deadlineMs: number) => Promise<TlsClient>,
  perSecond: number,
  end: Promise<unknown>,
): Promise<GoodClients> {
  const durationsMs: number[] = [];
  const come = async (): Promise<void> => {
    const startedMs = performance.now();
    const client = await connect(deadlineMs);
    const text = `client ${startedMs}\n`;
    await client.send(text);
    assert.equal(await client.read.until("\n", deadlineMs), text);
    client.end();
    assert.equal((await client.read.toEnd(deadlineMs)).length, 0);
    durationsMs.push(performance.now() - startedMs);
  };
  const coming: Promise<void>[] = [];
  const { promise: secondOver, resolve } = Promise.withResolvers<void>();
  const startedMs = performance.now();
  // The clock decides how many clients start. A late timer would start fewer of them under load.
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) * perSecond) / 1_000;
    while (coming.length < due) coming.push(come());
    if (coming.length >= perSecond) resolve();
  }, 1_000 / perSecond);
  try {
    await Promise.all([end, secondOver]);
  } finally {
    clearInterval(timer);
  }
  const failures = (await Promise.allSettled(coming)).filter(({ status }) => status === "rejected");
  assert.deepEqual(failures, []);
  return { served: coming.length, durationsMs: durationsMs.toSorted((one, other) => one - other) };
}
