import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateName } from "#model/names.ts";
import { CERTIFICATE_SLOTS } from "#model/records/metric-catalog.ts";
import type { CertificateFailure } from "#model/records/outcome.ts";
import { MemoryPlane } from "#harness/memory-plane.ts";
import type { WireFailure } from "../wire/wire.ts";
import { countRejection, countSilentEnd } from "./certificate-failure.ts";
import type { ConnectionState } from "./connection-state.ts";

interface Seen {
  readonly isResumed?: boolean;
  readonly bytesFromClient?: number;
  readonly bytesToClient?: number;
  /** Milliseconds since the handshake. */
  readonly afterMs?: number;
}

/** Returns a connection whose handshake is done, and the failures that are counted for its certificate. */
function connectionOf(seen: Seen = {}) {
  const { plane } = new MemoryPlane();
  const { isResumed = false, bytesFromClient = 0, bytesToClient = 0, afterMs = 1 } = seen;
  const handshakeMs = 5;
  const connection = {
    plane,
    certificateName: "shop" as CertificateName | undefined,
    tls: { isResumed },
    bytesFromClient,
    bytesToClient,
    handshakeMs,
    elapsedMs: () => handshakeMs + afterMs,
  } as ConnectionState;
  const failures = (): readonly string[] => {
    const counts = plane.certificates.takeChanges(1)?.[0]?.counts ?? [];
    const slots = Object.entries(CERTIFICATE_SLOTS.failure) as [CertificateFailure, number][];
    return slots.flatMap(([name, slot]) => (counts[slot] === 1 ? [name] : []));
  };
  return { connection, failures };
}

test("the alerts by which a client rejects a certificate are counted by their names", () => {
  for (const [alert, expected] of [
    ["bad_certificate", ["bad_certificate"]],
    ["unsupported_certificate", ["unsupported_certificate"]],
    ["certificate_revoked", ["certificate_revoked"]],
    ["certificate_expired", ["certificate_expired"]],
    ["certificate_unknown", ["certificate_unknown"]],
    ["unknown_ca", ["unknown_ca"]],
    ["decrypt_error", ["decrypt_error"]],
    ["unknown", ["unreadable-alert"]],
    ["handshake_failure", []],
    ["__proto__", []],
    [undefined, []],
  ] as const) {
    const { connection, failures } = connectionOf();
    countRejection(connection, "client-rejected-certificate", alert);
    assert.deepEqual(failures(), expected, String(alert));
  }
});

test("a client that breaks off the handshake without an alert is counted", () => {
  for (const [failure, expected] of [
    ["closed", ["closed-in-handshake"]],
    ["reset", ["closed-in-handshake"]],
    ["deadline", []],
    ["no-shared-group", []],
  ] as const) {
    const { connection, failures } = connectionOf();
    countRejection(connection, failure, undefined);
    countRejection(connection, failure, undefined);
    assert.deepEqual(failures(), expected, failure);
  }
});

test("a client that closes at once after a full handshake without a byte is counted, once", () => {
  const { connection, failures } = connectionOf({ afterMs: 2_000 });
  countSilentEnd(connection, undefined);
  assert.deepEqual(failures(), ["closed-at-once"]);
  countSilentEnd(connection, { kind: "reset", detail: "" });
  assert.deepEqual(failures(), []);
});

test("an alert after the handshake is counted by its name", () => {
  const alertOf = (alert: string | undefined): WireFailure => ({
    kind: "alert",
    alert,
    detail: "",
  });
  for (const [alert, expected] of [
    ["certificate_unknown", "certificate_unknown"],
    ["user_canceled", "closed-at-once"],
    [undefined, "closed-at-once"],
  ] as const) {
    const { connection, failures } = connectionOf();
    countSilentEnd(connection, alertOf(alert));
    assert.deepEqual(failures(), [expected]);
  }
});

for (const [what, seen] of [
  ["has sent data", { bytesFromClient: 1 }],
  ["was sent data", { bytesToClient: 1 }],
  ["stayed for longer than 2 s", { afterMs: 2_001 }],
  ["resumed a session", { isResumed: true }],
] as const) {
  test(`a client that ${what} did not reject the certificate`, () => {
    const { connection, failures } = connectionOf(seen);
    countSilentEnd(connection, undefined);
    assert.deepEqual(failures(), []);
  });
}
