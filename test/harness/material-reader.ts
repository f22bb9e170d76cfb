import type { ReadingParts } from "#control/certificates/source-entry.ts";
import type { CheckParts } from "#control/check-file.ts";
import type { MaterialReader } from "#control/reader/material-reader.ts";
import { startReader } from "#control/reader/start-reader.ts";
import { closeAtTestEnd } from "./lifetime.ts";

/** A reader as the director has one; a fault fails the test that is running, or the file. */
export function testReader(deadlineMs?: number): MaterialReader {
  const reader = startReader({
    nodeFile: process.execPath,
    env: process.env,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    onFault(error) {
      throw error;
    },
  });
  closeAtTestEnd(() => reader.rest());
  return reader;
}

/** What a director on Node reads certificates with. */
export const testReading = (): ReadingParts => ({ reader: testReader(), trial: undefined });

/** What a director on Node checks documents with. */
export const testChecking = (): CheckParts => ({
  reader: testReader(),
  engineOf: () => ({ engine: "node", trial: undefined }),
});
