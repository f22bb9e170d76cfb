import type { CertificateStoreOptions } from "#control/certificates/certificate-store.ts";
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

/** What a director on Node reads certificates with. Nothing proves their changes. */
export const testReading = (): ReadingParts & Pick<CertificateStoreOptions, "prover"> => ({
  reader: testReader(),
  trial: undefined,
  prover: { warmUp: () => undefined, stayReady: () => undefined },
});

/** What a director on Node checks documents with. */
export const testChecking = (): CheckParts => ({
  reader: testReader(),
  engineOf: () => ({ engine: "node", trial: undefined }),
});
