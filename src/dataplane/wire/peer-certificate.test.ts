import assert from "node:assert/strict";
import { test } from "node:test";
import { peerCertificateOf, rootOf, type EngineCertificate } from "./peer-certificate.ts";

const valid_to = "Jan  1 00:00:00 2126 GMT";

test("a certificate is recognised, whatever its subject is", () => {
  const subjectOf = (certificate: object): string | undefined =>
    peerCertificateOf({ valid_to, ...certificate }, undefined)?.subject;
  assert.equal(subjectOf({ subject: { CN: "a", O: ["b", "c"] } }), "CN=a, O=b+c");
  assert.equal(subjectOf({ subject: {}, subjectaltname: "DNS:a.example" }), "DNS:a.example");
  assert.equal(subjectOf({ subject: {}, serialNumber: "4F01" }), "serial 4F01");
  assert.equal(subjectOf({ subject: undefined, serialNumber: "4F01" }), "serial 4F01");
  assert.equal(subjectOf({ subject: { O: "x".repeat(60_000) } })?.length, 1_024);
  assert.equal(peerCertificateOf({}, undefined), undefined);
});

test("the engine's result is used, and on a resumed session the expiry is checked too", () => {
  const verdictOf = (end: string, verdict?: string): string | undefined =>
    peerCertificateOf({ subject: {}, valid_to: end }, verdict)?.verifyFailure?.detail;
  assert.equal(verdictOf(valid_to), undefined);
  assert.equal(verdictOf("Jan  1 00:00:00 2020 GMT"), "CERT_HAS_EXPIRED");
  assert.equal(verdictOf(valid_to, "CERT_REVOKED"), "CERT_REVOKED");
});

test("a chain ends in a root or without one", () => {
  const raw = Buffer.from("root");
  const root: { raw: Uint8Array; issuerCertificate?: EngineCertificate } = { raw };
  root.issuerCertificate = root;
  const leaf = { raw: Buffer.from("leaf") };
  assert.equal(rootOf({ ...leaf, issuerCertificate: root }), raw);
  // Bun lists the leaf twice.
  assert.equal(rootOf({ ...leaf, issuerCertificate: { ...leaf, issuerCertificate: root } }), raw);
  assert.equal(rootOf({ ...leaf, issuerCertificate: { raw } }), undefined);
  assert.equal(rootOf(leaf), undefined);
  assert.equal(rootOf(undefined), undefined);
  assert.equal(rootOf(null), undefined);
  const circular: { issuerCertificate?: EngineCertificate } = {};
  circular.issuerCertificate = { issuerCertificate: circular };
  assert.equal(rootOf(circular), undefined);
});
