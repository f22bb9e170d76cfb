import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "#model/policy.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { KeyType } from "#model/certificate.ts";
import { SCHEMES } from "#model/signature-schemes.ts";
import type { SnapshotCertificate } from "#model/snapshot.ts";
import { CertificateIndex } from "./certificate-index.ts";
import type { ClientHello } from "./client-hello.ts";

const NOW_MS = 1_000;

const KEY_SCHEMES = {
  ecdsa: [SCHEMES.ecdsa_secp256r1_sha256],
  ed25519: [SCHEMES.ed25519],
  rsa: [SCHEMES.rsa_pss_rsae_sha256, SCHEMES.rsa_pss_rsae_sha384, SCHEMES.rsa_pss_rsae_sha512],
} as const satisfies Record<KeyType, readonly number[]>;

const certificate = (name: string, keyType: KeyType, ...names: string[]): SnapshotCertificate => ({
  name: name as CertificateName,
  material: name as MaterialId,
  names,
  keyType,
  keySchemes: KEY_SCHEMES[keyType],
  chainSchemes: [],
  notAfterMs: NOW_MS + 1,
});
const expired = (one: SnapshotCertificate): SnapshotCertificate => ({ ...one, notAfterMs: NOW_MS });

const ECDSA_SCHEME = 0x0403;
const RSA_SCHEME = 0x0804;

const hello = (serverName: string | undefined, change: Partial<ClientHello> = {}): ClientHello => ({
  serverName,
  otherName: undefined,
  alpn: [],
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0xc02b, 0xc02f],
  groups: [0x001d, 0x0017],
  signatureSchemes: [ECDSA_SCHEME, RSA_SCHEME],
  certificateSchemes: [ECDSA_SCHEME, RSA_SCHEME],
  hasSessionTicket: false,
  ...change,
});

const shop = certificate("shop", "ecdsa", "shop.test", "*.shop.test");
const shopRsa = certificate("shop-rsa", "rsa", "shop.test", "*.shop.test");
const pay = certificate("pay", "rsa", "pay.shop.test");
const policy = PRESETS.intermediate;
const index = new CertificateIndex([shop, shopRsa, pay], policy, false);
const chosen = (of: CertificateIndex, for_: ClientHello): string | undefined =>
  of.select(for_, NOW_MS)?.name;

describe("certificate index", () => {
  it("takes the exact name before the wildcard", () => {
    assert.equal(chosen(index, hello("pay.shop.test")), "pay");
    assert.equal(chosen(index, hello("www.shop.test")), "shop");
  });

  it("lets a wildcard stand for one label only", () => {
    const strict = new CertificateIndex([shop], policy, true);
    assert.equal(chosen(strict, hello("a.b.shop.test")), undefined);
    assert.equal(chosen(strict, hello("a.shop.test")), "shop");
  });

  it("gives an unknown name, or none, the default", () => {
    assert.equal(chosen(index, hello("other.test")), "shop");
    assert.equal(chosen(index, hello(undefined)), "shop");
  });

  it("refuses both where the listener is strict", () => {
    const strict = new CertificateIndex([shop], policy, true);
    assert.equal(chosen(strict, hello("other.test")), undefined);
    assert.equal(chosen(strict, hello(undefined)), undefined);
  });

  it("chooses by what the client can verify", () => {
    assert.equal(chosen(index, hello("shop.test", { signatureSchemes: [RSA_SCHEME] })), "shop-rsa");
    assert.equal(chosen(index, hello(undefined, { signatureSchemes: [RSA_SCHEME] })), "shop-rsa");
  });

  it("chooses RSA for a TLS 1.2 client that has ECDSA signatures but no ECDSA suite", () => {
    const rsaSuiteOnly = hello("shop.test", { versions: [0x0303], cipherSuites: [0xc02f] });
    assert.equal(chosen(index, rsaSuiteOnly), "shop-rsa");
  });

  it("keeps to the name where the client can verify nothing of it", () => {
    const ed25519Only = hello("pay.shop.test", { signatureSchemes: [0x0807] });
    assert.equal(chosen(index, ed25519Only), "pay");
  });

  describe("with an expired certificate", () => {
    const of = (...certificates: SnapshotCertificate[]): CertificateIndex =>
      new CertificateIndex(certificates, policy, false);

    it("takes a valid one of the same name, of whatever key type", () => {
      const renewed = certificate("renewed", "ecdsa", "shop.test");
      assert.equal(chosen(of(expired(shop), renewed), hello("shop.test")), "renewed");
      assert.equal(chosen(of(expired(shop), shopRsa), hello("shop.test")), "shop-rsa");
    });

    it("takes a valid wildcard before the exact name that has expired", () => {
      assert.equal(chosen(of(shop, expired(pay)), hello("pay.shop.test")), "shop");
    });

    it("takes a valid one for the default", () => {
      assert.equal(chosen(of(expired(shop), pay), hello(undefined)), "pay");
      assert.equal(chosen(of(expired(shop), pay, shopRsa), hello(undefined)), "shop-rsa");
    });

    it("shows it where there is no other, or none that the client can verify", () => {
      assert.equal(chosen(of(expired(shop), pay), hello("shop.test")), "shop");
      assert.equal(chosen(of(expired(shop)), hello(undefined)), "shop");
      const ecdsaOnly = hello("shop.test", { signatureSchemes: [ECDSA_SCHEME] });
      assert.equal(chosen(of(expired(shop), shopRsa), ecdsaOnly), "shop");
    });
  });
});
