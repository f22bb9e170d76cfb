import type { CertificateFacts } from "#model/document/certificate.ts";

/** Facts of a certificate that does not exist. */
export const sampleFacts: CertificateFacts = {
  names: ["shop.example", "www.shop.example"],
  keyType: "ecdsa",
  keySize: 256,
  curve: "P-256",
  subject: "CN=shop.example",
  issuer: "CN=CA",
  serialNumber: "0A",
  fingerprint: "ab",
  spkiPin: "sha256/q6s=",
  notBeforeMs: 1,
  notAfterMs: 1_000,
};
