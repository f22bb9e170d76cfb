import assert from "node:assert/strict";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import {
  HANDSHAKE_FAILURES,
  HANDSHAKE_FAILURE_NAMES,
  type HandshakeFailure,
} from "#model/records/outcome.ts";
import { eventually } from "./deadline.ts";
import type { Director } from "./director.ts";
import { isEvent } from "./log-capture.ts";

/** A failed handshake as `/v1/handshakes` returns it. */
export interface FailedHandshake extends HandshakeRecord {
  readonly hint: string;
}

/** Identifies one client by its own address, or by the server name if the client cannot choose its address. */
export type ClientTrait = { readonly clientAddress: string } | { readonly serverName: string };

const recordDeadlineMs = 15_000;

/** All that are kept, the newest first. */
export async function failedHandshakes(director: Director): Promise<readonly FailedHandshake[]> {
  const { body } = await director.api("/v1/handshakes?limit=1000");
  return body as FailedHandshake[];
}

/** The newest record of which `isIt` holds, once there is one. */
export function failedHandshakeWhere(
  director: Director,
  isIt: (record: FailedHandshake) => boolean,
): Promise<FailedHandshake> {
  return eventually(
    async () => (await failedHandshakes(director)).find(isIt),
    recordDeadlineMs,
    "the record of a failed handshake",
  );
}

/** Handshakes that a test lets fail: each must have its record, and together they must be all that the metrics count. */
export class FailureLedger {
  readonly #director: Director;
  readonly #counts = new Map<HandshakeFailure, number>();

  constructor(director: Director) {
    this.#director = director;
  }

  /** The record of that client; it comes within a fraction of a second of the failure. */
  async expect(
    trait: ClientTrait,
    failure: HandshakeFailure,
    rest: Partial<HandshakeRecord> = {},
  ): Promise<FailedHandshake> {
    const isTheirs = (record: FailedHandshake): boolean =>
      "serverName" in trait
        ? record.serverName === trait.serverName
        : record.clientAddress === trait.clientAddress;
    const record = await eventually(
      async () => (await failedHandshakes(this.#director)).find(isTheirs),
      recordDeadlineMs,
      () => `the failed handshake of ${JSON.stringify(trait)}, after\n${this.#otherLines()}\n`,
    );
    const hint = HANDSHAKE_FAILURES[failure];
    assert.partialDeepStrictEqual(record, { ...trait, ...rest, failure, hint });
    this.#counts.set(failure, (this.#counts.get(failure) ?? 0) + 1);
    return record;
  }

  /** Workers report their counts once a second. */
  async assertCounted(): Promise<void> {
    await eventually(
      async () => {
        const metrics = await this.#director.metrics();
        for (const cause of HANDSHAKE_FAILURE_NAMES) {
          // A client that a list turns away has failed no handshake, nor has one of a mode that has none.
          const counted =
            metrics.sum("tlsd_handshakes_failed_total", { cause }) +
            metrics.sum("tlsd_connections_refused_total", { cause });
          assert.equal(counted, this.#counts.get(cause) ?? 0, cause);
        }
        return true;
      },
      recordDeadlineMs,
      () => `the count of each cause, after\n${this.#otherLines()}\n`,
    );
  }

  /** A worker that was replaced, say. */
  #otherLines(): string {
    const others = this.#director.logs.filter((line) => !isEvent(line, "handshake-failed"));
    return others.map((line) => JSON.stringify(line)).join("\n");
  }
}
