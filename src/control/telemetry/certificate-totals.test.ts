import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateName } from "#model/names.ts";
import { CERTIFICATE_SLOTS } from "#model/records/metric-catalog.ts";
import type { CertificateReport } from "#model/records/certificate-report.ts";
import { certificateMetricsText, CertificateTotals } from "./certificate-totals.ts";

const NOW_MS = 1_800_000_000_500;

/** A report of full handshakes and of as many failures with alert 48. */
function reportOf(name: string, amount = 1): CertificateReport {
  const counts = Array.from({ length: CERTIFICATE_SLOTS.size }, () => 0);
  counts[CERTIFICATE_SLOTS.newSession] = amount;
  counts[CERTIFICATE_SLOTS.failure.unknown_ca] = amount;
  return { name: name as CertificateName, counts };
}

async function linesOf(totals: CertificateTotals): Promise<readonly string[]> {
  const text = Buffer.concat(await certificateMetricsText(totals.entries())).toString();
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("the counts of all workers are added up by certificate", async () => {
  const totals = new CertificateTotals(() => NOW_MS);
  totals.add([reportOf("shop", 2), reportOf("*.shop.example")]);
  totals.add([reportOf("shop", 3)]);
  assert.deepEqual(await linesOf(totals), [
    'tlsd_certificate_handshakes_total{session="new",certificate="shop"} 5',
    'tlsd_certificate_handshakes_total{session="new",certificate="*.shop.example"} 1',
    'tlsd_certificate_failures_total{cause="unknown_ca",certificate="shop"} 5',
    'tlsd_certificate_failures_total{cause="unknown_ca",certificate="*.shop.example"} 1',
    'tlsd_certificate_last_use_seconds{certificate="shop"} 1800000000',
    'tlsd_certificate_last_use_seconds{certificate="*.shop.example"} 1800000000',
  ]);
  assert.deepEqual(totals.trafficOf("shop"), {
    newHandshakes: 5,
    resumedHandshakes: 0,
    failures: { unknown_ca: 5 },
    lastUseAt: new Date(NOW_MS).toISOString(),
  });
  assert.equal(totals.trafficOf("unused"), undefined);
});

test("the label has at most 1,000 values, and the rest is `other`", async () => {
  const totals = new CertificateTotals(() => NOW_MS);
  // A certificate may have this name.
  totals.add([reportOf("other", 7)]);
  for (let at = 0; at < 1_500; at += 1) totals.add([reportOf(`c${at}`)]);
  const series = (await linesOf(totals)).filter((line) => line.includes("handshakes_total"));
  assert.equal(series.length, 1_000);
  assert.equal(
    series.filter((line) => line.includes('certificate="other"')).join(),
    'tlsd_certificate_handshakes_total{session="new",certificate="other"} 508',
  );
  assert.equal(totals.trafficOf("c998")?.newHandshakes, 1);
  assert.equal(totals.trafficOf("c999"), undefined);
  assert.equal(totals.trafficOf("other"), undefined);
});

test("a certificate that leaves the document makes room for another, and `other` stays", () => {
  const totals = new CertificateTotals(() => NOW_MS);
  for (let at = 0; at < 1_000; at += 1) totals.add([reportOf(`c${at}`)]);
  totals.keepOnly((name) => name !== "c0");
  assert.equal(totals.trafficOf("c0"), undefined);
  totals.add([reportOf("c999"), reportOf("c1000")]);
  assert.equal(totals.trafficOf("c999")?.newHandshakes, 1);
  assert.equal(totals.trafficOf("c1000"), undefined);
  const other = new Map(totals.entries()).get("other");
  assert.equal(other?.counts[CERTIFICATE_SLOTS.newSession], 2);
});
