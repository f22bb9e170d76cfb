import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atOnce } from "../live/in-slices.ts";
import { Random } from "#harness/random.ts";
import { PRESETS, type ResolvedPolicy } from "#model/document/policy.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { KeyType } from "#model/document/certificate.ts";
import { SCHEMES } from "#model/tls/signature-schemes.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
import { CertificateIndex, type CertificateBindings } from "./certificate-index.ts";
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
  extensionTypes: [],
  ...change,
});

const shop = certificate("shop", "ecdsa", "shop.test", "*.shop.test");
const shopRsa = certificate("shop-rsa", "rsa", "shop.test", "*.shop.test");
const pay = certificate("pay", "rsa", "pay.shop.test");
const policy = PRESETS.intermediate;

const bindingsOf = (certificates: readonly SnapshotCertificate[]): CertificateBindings =>
  new Map(certificates.map((one) => [one.name, one]));

function indexOf(
  certificates: readonly SnapshotCertificate[],
  of: ResolvedPolicy,
  strictServerName: boolean,
): CertificateIndex {
  const listener = {
    certificates: certificates.map(({ name }) => name),
    policy: of,
    strictServerName,
  };
  return atOnce(CertificateIndex.build(listener, bindingsOf(certificates)));
}

const index = indexOf([shop, shopRsa, pay], policy, false);
const chosen = (of: CertificateIndex, for_: ClientHello): string | undefined =>
  of.select(for_, NOW_MS)?.name;

describe("certificate index", () => {
  it("prefers the exact name to the wildcard", () => {
    assert.equal(chosen(index, hello("pay.shop.test")), "pay");
    assert.equal(chosen(index, hello("www.shop.test")), "shop");
  });

  it("matches only one label with a wildcard", () => {
    const strict = indexOf([shop], policy, true);
    assert.equal(chosen(strict, hello("a.b.shop.test")), undefined);
    assert.equal(chosen(strict, hello("a.shop.test")), "shop");
  });

  it("chooses the default for an unknown name or no name", () => {
    assert.equal(chosen(index, hello("other.test")), "shop");
    assert.equal(chosen(index, hello(undefined)), "shop");
  });

  it("refuses both if the listener is strict", () => {
    const strict = indexOf([shop], policy, true);
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
      indexOf(certificates, policy, false);

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
    ): string | undefined => chosen(indexOf(certificates, policy, false), for_);

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
      const of = indexOf([p521, other, rsa], policy, false);
      const unknown = { ...offer([P256, RSA_SCHEME]), serverName: undefined };
      assert.equal(chosen(of, unknown), "rsa");
      assert.equal(chosen(of, { ...unknown, signatureSchemes: [P256] }), "other");
      assert.equal(chosen(of, { ...unknown, signatureSchemes: [P521, RSA_SCHEME] }), "p521");
    });

    it("returns what the client lacks for the chosen certificate", () => {
      const mismatch = (for_: ClientHello): string | undefined =>
        indexOf([p521], policy, false).mismatchOf(for_, NOW_MS);
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
    const strict = indexOf([shop, named], policy, true);
    assert.equal(chosen(strict, hello("my_shop.shop.test")), "named");
    assert.equal(chosen(strict, hello("your_shop.shop.test")), undefined);
    assert.equal(chosen(strict, hello("a.my_shop.shop.test")), undefined);
  });

  describe("with other versions of its certificates", () => {
    const listener = {
      certificates: ["shop", "shop-rsa", "pay", "late"].map((name) => name as CertificateName),
      policy,
      strictServerName: true,
    };
    const build = (...versions: SnapshotCertificate[]): CertificateIndex =>
      atOnce(CertificateIndex.build(listener, bindingsOf(versions)));
    const rebound = (
      of: CertificateIndex,
      names: readonly string[],
      ...versions: SnapshotCertificate[]
    ): CertificateIndex =>
      atOnce(of.rebind(names as readonly CertificateName[], bindingsOf(versions)));
    const before = build(shop, shopRsa, pay);
    const rsaOnly = { signatureSchemes: [RSA_SCHEME] };

    it("chooses the new version, and the earlier index still chooses the old one", () => {
      const newer = { ...shop, material: "newer" as MaterialId };
      const after = rebound(before, ["shop"], newer);
      assert.equal(after.select(hello("shop.test"), NOW_MS), newer);
      assert.equal(after.select(hello("www.shop.test"), NOW_MS), newer);
      assert.equal(before.select(hello("shop.test"), NOW_MS), shop);
    });

    it("rebuilds only the names that the changed certificates cover", () => {
      const after = rebound(before, ["pay"], { ...pay, names: ["pay.shop.test", "pay.test"] });
      for (const name of ["shop.test", "*.shop.test"]) {
        assert.equal(after.candidatesFor(name), before.candidatesFor(name));
      }
      for (const name of ["pay.shop.test", "pay.test"]) {
        assert.notEqual(after.candidatesFor(name), before.candidatesFor(name));
      }
    });

    it("falls back to the wildcard for a name that a new version no longer covers", () => {
      const after = rebound(before, ["pay"], { ...pay, names: ["pay.test"] });
      assert.equal(chosen(after, hello("pay.shop.test")), "shop");
      assert.equal(chosen(after, hello("pay.test")), "pay");
    });

    it("moves a name from one certificate to another in one step", () => {
      const after = rebound(
        before,
        ["shop", "pay"],
        { ...shop, names: ["shop.test"] },
        { ...pay, names: ["pay.shop.test", "*.shop.test"] },
      );
      assert.equal(chosen(after, hello("www.shop.test")), "shop-rsa");
      const without = rebound(after, ["shop-rsa"]);
      assert.equal(chosen(without, hello("www.shop.test")), "pay");
      assert.equal(chosen(without, hello("shop.test")), "shop");
    });

    it("leaves out a certificate that is removed, and chooses one that is added in the order of the listener", () => {
      const without = rebound(before, ["shop"]);
      assert.equal(chosen(without, hello("shop.test")), "shop-rsa");
      const late = certificate("late", "ecdsa", "shop.test");
      const withLate = rebound(without, ["late"], late);
      assert.equal(chosen(withLate, hello("shop.test")), "late");
      const withBoth = rebound(withLate, ["shop"], shop);
      assert.equal(chosen(withBoth, hello("shop.test")), "shop");
      assert.deepEqual(
        withBoth.candidatesFor("shop.test")?.map((fit) => fit.certificate.name),
        ["shop", "late", "shop-rsa"],
      );
    });

    it("follows a key type that changes", () => {
      const after = rebound(before, ["shop"], {
        ...shop,
        keyType: "rsa",
        keySchemes: KEY_SCHEMES.rsa,
      });
      assert.equal(chosen(after, hello("shop.test", rsaOnly)), "shop");
      assert.equal(chosen(before, hello("shop.test", rsaOnly)), "shop-rsa");
      const ecdsaOnly = hello("shop.test", { signatureSchemes: [ECDSA_SCHEME] });
      assert.equal(after.mismatchOf(ecdsaOnly, NOW_MS), "no-shared-signature");
    });

    it("is the same as one that is built anew, after random changes", (t) => {
      const random = new Random();
      t.diagnostic(`seed ${random.seed}`);
      const names = Array.from({ length: 12 }, (_, at) => `certificate-${at}` as CertificateName);
      const covered = ["a.test", "b.test", "*.a.test", "x.a.test", "y.a.test", "z.b.test"];
      const keyTypes: readonly KeyType[] = ["ecdsa", "rsa", "ed25519"];
      const of = { certificates: names, policy, strictServerName: false };
      const bindings = new Map<CertificateName, SnapshotCertificate>();
      let changing = atOnce(CertificateIndex.build(of, bindings));
      for (let round = 0; round < 200; round += 1) {
        const changed = names.filter(() => random.next() < 0.2);
        for (const name of changed) {
          bindings.delete(name);
          if (random.next() < 0.25) continue;
          const keyType = keyTypes[Math.floor(3 * random.next())] ?? "rsa";
          const some = covered.filter(() => random.next() < 0.4);
          const one = certificate(name, keyType, ...some);
          bindings.set(name, random.next() < 0.2 ? expired(one) : one);
        }
        changing = atOnce(changing.rebind(changed, bindings));
        const anew = atOnce(CertificateIndex.build(of, bindings));
        for (const name of [...covered, "w.a.test", "other.test", undefined]) {
          for (const change of [{}, rsaOnly, { signatureSchemes: [0x0807] }]) {
            const client = hello(name, change);
            assert.equal(changing.select(client, NOW_MS), anew.select(client, NOW_MS));
          }
        }
      }
    });
  });
});
