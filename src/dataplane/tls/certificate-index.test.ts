import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "#model/document/policy.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { KeyType } from "#model/document/certificate.ts";
import { SCHEMES } from "#model/tls/signature-schemes.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
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
  it("prefers the exact name to the wildcard", () => {
    assert.equal(chosen(index, hello("pay.shop.test")), "pay");
    assert.equal(chosen(index, hello("www.shop.test")), "shop");
  });

  it("matches only one label with a wildcard", () => {
    const strict = new CertificateIndex([shop], policy, true);
    assert.equal(chosen(strict, hello("a.b.shop.test")), undefined);
    assert.equal(chosen(strict, hello("a.shop.test")), "shop");
  });

  it("chooses the default for an unknown name or no name", () => {
    assert.equal(chosen(index, hello("other.test")), "shop");
    assert.equal(chosen(index, hello(undefined)), "shop");
  });

  it("refuses both if the listener is strict", () => {
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

  it("chooses a certificate of the name even if the client can verify none of them", () => {
    const ed25519Only = hello("pay.shop.test", { signatureSchemes: [0x0807] });
    assert.equal(chosen(index, ed25519Only), "pay");
  });

  describe("with an expired certificate", () => {
    const of = (...certificates: SnapshotCertificate[]): CertificateIndex =>
      new CertificateIndex(certificates, policy, false);

    it("chooses a valid one of the same name, of any key type", () => {
      const renewed = certificate("renewed", "ecdsa", "shop.test");
      assert.equal(chosen(of(expired(shop), renewed), hello("shop.test")), "renewed");
      assert.equal(chosen(of(expired(shop), shopRsa), hello("shop.test")), "shop-rsa");
    });

    it("prefers a valid wildcard to an expired certificate of the exact name", () => {
      assert.equal(chosen(of(shop, expired(pay)), hello("pay.shop.test")), "shop");
    });

    it("chooses a valid one as the default", () => {
      assert.equal(chosen(of(expired(shop), pay), hello(undefined)), "pay");
      assert.equal(chosen(of(expired(shop), pay, shopRsa), hello(undefined)), "shop-rsa");
    });

    it("chooses it if there is no other, or none that the client can verify", () => {
      assert.equal(chosen(of(expired(shop), pay), hello("shop.test")), "shop");
      assert.equal(chosen(of(expired(shop)), hello(undefined)), "shop");
      const ecdsaOnly = hello("shop.test", { signatureSchemes: [ECDSA_SCHEME] });
      assert.equal(chosen(of(expired(shop), shopRsa), ecdsaOnly), "shop");
    });
  });

  describe("with several certificates of a name", () => {
    const { ecdsa_secp256r1_sha256: P256, ecdsa_secp384r1_sha384: P384 } = SCHEMES;
    const P521 = SCHEMES.ecdsa_secp521r1_sha512;
    const keyed = (
      name: string,
      keyType: KeyType,
      keySchemes: readonly number[],
      chainSchemes: readonly number[] = [],
    ): SnapshotCertificate => ({
      ...certificate(name, keyType, "shop.test"),
      keySchemes,
      chainSchemes,
    });
    const rsa = keyed("rsa", "rsa", KEY_SCHEMES.rsa);
    const p521 = keyed("p521", "ecdsa", [P521]);
    const p256 = keyed("p256", "ecdsa", [P256]);
    const pss = keyed("pss", "rsa", [SCHEMES.rsa_pss_pss_sha384]);
    const offer = (signatureSchemes: readonly number[], change: Partial<ClientHello> = {}) =>
      hello("shop.test", { signatureSchemes, certificateSchemes: signatureSchemes, ...change });
    const chosenOf = (
      certificates: readonly SnapshotCertificate[],
      for_: ClientHello,
    ): string | undefined => chosen(new CertificateIndex(certificates, policy, false), for_);

    it("in TLS 1.3 the curve decides among all certificates of a type", () => {
      assert.equal(chosenOf([p521, rsa], offer([P256, P384, RSA_SCHEME])), "rsa");
      assert.equal(chosenOf([p521, p256, rsa], offer([P256, RSA_SCHEME])), "p256");
      assert.equal(chosenOf([p521, p256], offer([P256, P521])), "p521");
    });

    it("in TLS 1.3 PKCS #1 and SHA-1 are not used", () => {
      const pkcs1 = [SCHEMES.rsa_pkcs1_sha256, SCHEMES.ecdsa_sha1, P521];
      assert.equal(chosenOf([p256, rsa, p521], offer(pkcs1)), "p521");
    });

    it("the type of an RSA key matters in both versions", () => {
      for (const versions of [[0x0304], [0x0303]]) {
        const change = { versions };
        assert.equal(chosenOf([pss, rsa], offer([RSA_SCHEME], change)), "rsa");
        const both = [RSA_SCHEME, SCHEMES.rsa_pss_pss_sha384];
        assert.equal(chosenOf([pss, rsa], offer(both, change)), "pss");
        assert.equal(chosenOf([pss, rsa], offer([SCHEMES.rsa_pss_pss_sha256], change)), "pss");
      }
    });

    it("in TLS 1.2 the group decides, and not the curve of a scheme", () => {
      const tls12 = { versions: [0x0303] };
      assert.equal(chosenOf([p521, rsa], offer([P256, RSA_SCHEME], tls12)), "rsa");
      const withGroup = { ...tls12, groups: [0x001d, 0x0019] };
      assert.equal(chosenOf([p521, rsa], offer([P256, RSA_SCHEME], withGroup)), "p521");
      assert.equal(chosenOf([p521, rsa], offer([P256], { ...tls12, groups: [] })), "p521");
    });

    it("SHA-1 is used only for TLS 1.2 clients that support nothing else", () => {
      const tls12 = { versions: [0x0303] };
      const weakEcdsa = [SCHEMES.ecdsa_sha1, SCHEMES.rsa_pkcs1_sha256];
      assert.equal(chosenOf([p256, rsa], offer(weakEcdsa, tls12)), "rsa");
      assert.equal(chosenOf([pss, rsa], offer([SCHEMES.rsa_pkcs1_sha1], tls12)), "rsa");
      assert.equal(chosenOf([p256, rsa], offer([], tls12)), "p256");
    });

    it("the chain is compared after the key, with signature_algorithms_cert if the client sends it", () => {
      const ofRsa = keyed("of-rsa", "ecdsa", [P256], [SCHEMES.rsa_pkcs1_sha256]);
      const ofPss = keyed("of-pss", "ecdsa", [P256], [SCHEMES.rsa_pss_rsae_sha256]);
      assert.equal(chosenOf([ofRsa, p256], offer([P256])), "p256");
      assert.equal(chosenOf([ofRsa, rsa], offer([P256, RSA_SCHEME])), "rsa");
      const forChain = { certificateSchemes: [SCHEMES.rsa_pkcs1_sha256] };
      assert.equal(chosenOf([p256, ofRsa], offer([P256], forChain)), "p256");
      assert.equal(chosenOf([ofPss, ofRsa], offer([P256], forChain)), "of-rsa");
      assert.equal(chosenOf([ofRsa], offer([P256])), "of-rsa");
      const pssOnly = { certificateSchemes: [SCHEMES.rsa_pss_pss_sha256] };
      assert.equal(chosenOf([ofRsa, ofPss], offer([P256], pssOnly)), "of-pss");
    });

    it("a certificate with a name of the default is preferred to all others", () => {
      const other = { ...p256, name: "other" as CertificateName, names: ["other.test"] };
      const of = new CertificateIndex([p521, other, rsa], policy, false);
      const unknown = { ...offer([P256, RSA_SCHEME]), serverName: undefined };
      assert.equal(chosen(of, unknown), "rsa");
      assert.equal(chosen(of, { ...unknown, signatureSchemes: [P256] }), "other");
      assert.equal(chosen(of, { ...unknown, signatureSchemes: [P521, RSA_SCHEME] }), "p521");
    });

    it("returns what the client lacks for the chosen certificate", () => {
      const mismatch = (for_: ClientHello): string | undefined =>
        new CertificateIndex([p521], policy, false).mismatchOf(for_, NOW_MS);
      assert.equal(mismatch(offer([P521])), undefined);
      assert.equal(mismatch(offer([P256])), "no-shared-signature");
      const tls12 = { versions: [0x0303] };
      assert.equal(mismatch(offer([P256], tls12)), "no-shared-cipher");
      const withGroup = { ...tls12, groups: [0x0019] };
      assert.equal(mismatch(offer([P256], withGroup)), undefined);
      assert.equal(mismatch(offer([RSA_SCHEME], withGroup)), "no-shared-signature");
      const suite = { ...withGroup, cipherSuites: [0xc02f] };
      assert.equal(mismatch(offer([P256], suite)), "no-shared-cipher");
    });
  });

  it("matches a name with an underscore only with a certificate that contains it", () => {
    const named = certificate("named", "ecdsa", "my_shop.shop.test");
    const strict = new CertificateIndex([shop, named], policy, true);
    assert.equal(chosen(strict, hello("my_shop.shop.test")), "named");
    assert.equal(chosen(strict, hello("your_shop.shop.test")), undefined);
    assert.equal(chosen(strict, hello("a.my_shop.shop.test")), undefined);
  });
});
