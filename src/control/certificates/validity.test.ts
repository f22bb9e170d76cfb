import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateFacts } from "#model/document/certificate.ts";
import {
  certificateProblemsAt,
  certificateTurnsMsOf,
  trustProblemsAt,
  trustTurnsMsOf,
} from "./validity.ts";
import type { TrustValidity } from "./sources.ts";
import { Random } from "#harness/random.ts";

const DAY_MS = 86_400_000;
const FACTS: CertificateFacts = {
  names: [],
  keyType: "ecdsa",
  keySize: 256,
  subject: "",
  issuer: "",
  serialNumber: "",
  fingerprint: "",
  spkiPin: "",
  notBeforeMs: 0,
  notAfterMs: 0,
};
const PLACES = { ca: "ca", crl: "crl" };
const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const daysFromNow = (days: number): number => NOW_MS + days * DAY_MS;

const trustCodes = (validity: Partial<TrustValidity>): readonly string[] =>
  trustProblemsAt({ validity: { authorities: [], lists: [], ...validity } }, PLACES, NOW_MS).map(
    ({ code, path }) => `${code} ${path}`,
  );
const period = (from: number, to: number) => ({
  notBeforeMs: daysFromNow(from),
  notAfterMs: daysFromNow(to),
});

test("a CA bundle can be used as long as one of its CAs is valid", () => {
  assert.deepEqual(trustCodes({ authorities: [period(-9, -1), period(-1, 9)] }), []);
  assert.deepEqual(trustCodes({ authorities: [period(-9, -1)] }), ["ca-expired ca"]);
  assert.deepEqual(trustCodes({ authorities: [period(-9, -1), period(1, 9)] }), [
    "ca-not-yet-valid ca",
  ]);
});

test("a revocation list can be used between its two dates, or from the first on", () => {
  const list = (from: number, to?: number) => ({
    issuer: "CN=a",
    thisUpdateMs: daysFromNow(from),
    ...(to === undefined ? {} : { nextUpdateMs: daysFromNow(to) }),
  });
  assert.deepEqual(trustCodes({ lists: [list(-1, 1), list(-1)] }), []);
  assert.deepEqual(trustCodes({ lists: [list(-2, -1)] }), ["crl-expired crl"]);
  assert.deepEqual(trustCodes({ lists: [list(1, 2)] }), ["crl-not-yet-valid crl"]);
});

test("a certificate is about to expire when 14 days and a third of its life are not left", () => {
  const codesOf = (from: number, to: number, intermediateDays = 100): readonly string[] => {
    const certificate = { ...FACTS, isSelfSigned: false };
    const intermediate = { ...certificate, notAfterMs: daysFromNow(intermediateDays) };
    const version = {
      facts: { ...FACTS, ...period(from, to) },
      chain: { certificates: [certificate, intermediate], isPublic: false },
    };
    return certificateProblemsAt(version, "chain", NOW_MS).map(({ code }) => code);
  };
  assert.deepEqual(codesOf(-70, 15), []);
  assert.deepEqual(codesOf(-77, 13), ["certificate-expiring"]);
  // A certificate of six days is renewed after four.
  assert.deepEqual(codesOf(-3, 3), []);
  assert.deepEqual(codesOf(-5, 1), ["certificate-expiring"]);
  assert.deepEqual(codesOf(-9, 90, -1), ["intermediate-expired"]);
  assert.deepEqual(codesOf(-9, -1), ["certificate-expired"]);
  assert.deepEqual(codesOf(1, 9), ["certificate-not-yet-valid"]);
});

test("problems change only at the times that are told", () => {
  const random = new Random(52);
  const somePeriod = () => {
    const from = random.next() * 400 - 200;
    return rounded(period(from, from + random.next() * 200));
  };
  for (let round = 0; round < 200; round += 1) {
    const intermediate = { ...FACTS, ...somePeriod(), isSelfSigned: false };
    const version = {
      facts: { ...FACTS, ...somePeriod() },
      chain: { certificates: [intermediate, intermediate], isPublic: false },
    };
    const authorities = [somePeriod(), somePeriod()];
    const { notBeforeMs, notAfterMs } = somePeriod();
    const lists = [{ issuer: "CN=a", thisUpdateMs: notBeforeMs, nextUpdateMs: notAfterMs }];
    const trust = { validity: { authorities, lists } };
    assertConstantBetween(certificateTurnsMsOf(version), (nowMs) =>
      certificateProblemsAt(version, "chain", nowMs),
    );
    assertConstantBetween(trustTurnsMsOf(trust), (nowMs) => trustProblemsAt(trust, PLACES, nowMs));
  }
});

/** The clock has whole milliseconds, and so have the dates of certificates. */
const rounded = ({ notBeforeMs, notAfterMs }: ReturnType<typeof period>) => ({
  notBeforeMs: Math.round(notBeforeMs),
  notAfterMs: Math.round(notAfterMs),
});

function assertConstantBetween(
  turnsMs: readonly number[],
  problemsAt: (nowMs: number) => readonly unknown[],
): void {
  const times = [daysFromNow(-999), ...turnsMs, daysFromNow(999)].toSorted((a, b) => a - b);
  for (const [at, fromMs] of times.entries()) {
    const untilMs = times[at + 1] ?? fromMs + 1;
    const between = Math.floor((fromMs + untilMs) / 2);
    for (const nowMs of [between, Math.max(fromMs, untilMs - 1)]) {
      assert.deepEqual(problemsAt(nowMs), problemsAt(fromMs));
    }
  }
}
