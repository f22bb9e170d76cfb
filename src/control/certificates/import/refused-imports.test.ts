import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { certify, entityOf, newEntity, type Entity } from "#harness/certify.ts";
import {
  alternativeNames,
  distinguishedName,
  extension,
  generalNames,
  pemOf,
} from "#harness/der.ts";
import { utcTime } from "#harness/odd-certificate.ts";
import { pbkdf2Algorithm, scryptAlgorithm, sealedKeyPem } from "#harness/sealed-key.ts";
import {
  assertChain,
  keyPem,
  leafPem,
  low,
  lowPem,
  notesOf,
  problemOf,
  readShop,
  root,
  rootPem,
  shop,
  stranger,
  strangerPem,
} from "#harness/shop-import.ts";
import type { ImportInput } from "./read-import.ts";

describe("an import is refused for", () => {
  const otherKey = newEntity("x").keyPem;
  const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;
  const named = (...names: readonly (string | Uint8Array)[]): string =>
    certify(shop, root, { extensions: [alternativeNames(...names.map(generalNames.dns))] });
  const many = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `h${at}.example`);
  const sharedNames = alternativeNames(generalNames.dns("shop.example"));
  const brokenNames = extension("2.5.29.17", false, Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff));
  const rsa: Entity = entityOf("rsa", generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const request = execFileSync(
    "openssl",
    ["req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );

  const cases: Readonly<
    Record<string, readonly [readonly (string | Uint8Array)[], RegExp, Partial<ImportInput>?]>
  > = {
    "no certificate": [[keyPem], /^certificate-missing: No file/],
    "no key": [[leafPem, lowPem], /^key-missing: No file/],
    "the key of another": [[leafPem, otherKey], /^key-mismatch: .*"CN=shop.example"/],
    "the key of its CA": [[leafPem + lowPem, low.keyPem], /^key-mismatch: .*"CN=low"/],
    "two pairs": [
      [leafPem + keyPem, certify(stranger, low, { names: ["y.example"] }) + stranger.keyPem],
      /^several-keys: .*CN=shop.example.*CN=stranger/,
    ],
    "the chain of a stranger": [
      [leafPem, strangerPem + rootPem, keyPem],
      /^chain-mismatch: None .*its issuer is "CN=low"/,
    ],
    "the root without the intermediate": [[leafPem + rootPem, keyPem], /^chain-mismatch: /],
    "a PEM file that is cut off": [
      [leafPem.slice(0, -50), keyPem],
      /^certificate-malformed: "1\.pem": .*in line 1 is not closed/,
    ],
    "a key that is cut off": [
      [leafPem, keyPem.slice(0, -50)],
      /^key-malformed: "2\.pem": .*not closed/,
    ],
    "a DER file that is cut off": [
      [derOf(leafPem).subarray(0, -9), keyPem],
      /^format-unsupported: "1\.pem": .*cut off/,
    ],
    "bytes after DER": [
      [Buffer.concat([derOf(leafPem), Buffer.of(0)]), keyPem],
      /^format-unsupported: .*further bytes/,
    ],
    "a damaged certificate": [
      [
        leafPem.replace(/.{20}\n-----END/, "AAAAAAAAAAAAAAAAAAAA\n-----END").replace("MII", "MIJ"),
        keyPem,
      ],
      /^certificate-malformed: "1\.pem": Certificate 1/,
    ],
    "an empty file": [["", keyPem], /^format-unsupported: "1\.pem": It is empty/],
    "a text without PEM": [["hello", keyPem], /^format-unsupported: .*neither PEM nor/],
    "1 MB of garbage": [
      [Buffer.alloc(1024 * 1024, "\x30\x84\x7f\xff\xff\xff\x00\x9a"), keyPem],
      /^format-unsupported: /,
    ],
    "a file of 5 MiB": [[Buffer.alloc(5 * 1024 * 1024, leafPem), keyPem], /^import-too-large: /],
    "1,001 certificates": [
      [Array.from({ length: 1_001 }, () => certify(stranger, low)).join("") + leafPem, keyPem],
      /^import-too-large: .*1000 certificates/,
    ],
    "an expired certificate": [
      [certify(shop, low, { names: ["shop.example"], notAfter: utcTime("210101000000Z") }), keyPem],
      /^certificate-expired: .*2021-01-01/,
    ],
    "a certificate that is not valid yet": [
      [
        certify(shop, low, { names: ["shop.example"], notBefore: utcTime("390101000000Z") }),
        keyPem,
      ],
      /^certificate-not-yet-valid: .*2039-01-01/,
    ],
    "a NUL in a name": [
      [named("shop.example\0.attacker.example"), keyPem],
      /^name-malformed: .*"shop.example\\u0000.attacker.example"/,
    ],
    "a NUL in a common name": [
      [
        certify(shop, root, {
          subject: distinguishedName({ type: "CN", value: "shop.example\0x" }),
          extensions: [],
        }),
        keyPem,
      ],
      /^name-malformed: /,
    ],
    "a version that does not exist": [
      [certify(shop, low, { names: ["shop.example"], version: 7 }) + lowPem, keyPem],
      /^certificate-malformed: .*version 7.* Have the CA issue it again/,
    ],
    "the same extension twice": [
      [certify(shop, low, { extensions: [sharedNames, sharedNames] }) + lowPem, keyPem],
      /^certificate-malformed: .*the same extension twice/,
    ],
    "a damaged list of names": [
      [certify(shop, low, { extensions: [brokenNames] }) + lowPem, keyPem],
      /^certificate-malformed: .*damaged subjectAltName/,
    ],
    "a validity period that ends before it begins": [
      [
        certify(shop, low, {
          names: ["shop.example"],
          notBefore: utcTime("300101000000Z"),
          notAfter: utcTime("290101000000Z"),
        }),
        keyPem,
      ],
      /^certificate-malformed: .*ends before it begins/,
    ],
    "an ECDSA key that states the public key of another": [
      [leafPem, withPublicKeyOf(stranger, shop)],
      /^key-malformed: The private key is damaged/,
    ],
    "an RSA key whose private exponent is another one": [
      [certify(rsa, low, { names: ["shop.example"] }), withOtherExponent(rsa)],
      /^key-malformed: The private key is damaged/,
    ],
    "a chain of eleven CAs": [
      [deepChainOf(11), keyPem],
      /^chain-too-large: The chain has more than 10 certificates/,
    ],
    "PKCS #7 in place of a certificate": [
      [pemOf("PKCS7", Buffer.of(0x30, 0)), keyPem],
      /^certificate-missing: .*line 1 is not used: `openssl pkcs7/,
    ],
    "a key of OpenSSH": [
      [leafPem, pemOf("OPENSSH PRIVATE KEY", Buffer.of(0x30, 0))],
      /^key-missing: .*`ssh-keygen -p -m PKCS8/,
    ],
    "10,000 names": [[named(...many(10_000)), keyPem], /^too-many-names: .*10000 names/],
    "a chain over 100 KiB": [
      [named(...many(1_999).map((name) => `${"a".repeat(60)}.${name}`)), keyPem],
      /^chain-too-large: /,
    ],
    "a request instead of a certificate": [[request, keyPem], /^certificate-missing: /],
    "a request in DER": [
      [Buffer.from(request.split("\n").slice(1, -2).join(""), "base64"), keyPem],
      /^format-unsupported: .*signing request/,
    ],
    "a Java key store": [
      [Buffer.from("feedfeed00000002", "hex")],
      /^format-unsupported: .*JKS.* `keytool -importkeystore -srckeystore 1\.pem/,
    ],
    "an encrypted key without a passphrase": [
      [leafPem, sealedKeyPem(pbkdf2Algorithm(2_048))],
      /^key-encrypted: "2\.pem": .* Give its passphrase/,
    ],
    "a wrong passphrase": [
      [leafPem, sealedKeyPem(pbkdf2Algorithm(2_048))],
      /^bad-passphrase: "2\.pem": .* Check the passphrase/,
      { passphrase: "y" },
    ],
    "far too many iterations": [
      [leafPem, sealedKeyPem(pbkdf2Algorithm(20_000_000))],
      /^key-cost: .*20000000 iterations.*`openssl pkcs8 -in 2\.pem/,
      { passphrase: "y" },
    ],
    "a number of iterations without end": [
      [leafPem, sealedKeyPem(pbkdf2Algorithm(2 ** 52))],
      /^key-cost: .*a number of iterations that is out of range/,
      { passphrase: "y" },
    ],
    "scrypt that takes too long": [
      [leafPem, sealedKeyPem(scryptAlgorithm(1_024, 8, 1_000_000))],
      /^key-cost: .*a cost of 8192000000/,
      { passphrase: "y" },
    ],
    "scrypt that takes too much memory": [
      [leafPem, sealedKeyPem(scryptAlgorithm(2 ** 20, 8, 1))],
      /^key-cost: .*more than 32 MiB/,
      { passphrase: "y" },
    ],
  };

  for (const [name, [contents, pattern, options]] of Object.entries(cases)) {
    it(name, async () => {
      const startedAt = performance.now();
      assert.match(await problemOf(contents, options), pattern);
      assert.ok(performance.now() - startedAt < 10_000, "it takes no long time");
    });
  }

  it("no name, but tells that text which is no DNS name is not served", async () => {
    const found = await readShop([named("shop.example", "shop.example:443"), keyPem]);
    assert.deepEqual(found.version.facts.names, ["shop.example"]);
    assert.deepEqual(notesOf(found), ["name-left-out"]);
  });

  it("no start in the future if that is allowed", async () => {
    const notBefore = utcTime("390101000000Z");
    const pem = certify(shop, low, { names: ["shop.example"], notBefore });
    const found = await readShop([pem, keyPem], { allowsNotYetValid: true });
    assert.deepEqual(
      found.warnings.map(({ code, severity }) => `${code} ${severity}`),
      ["certificate-not-yet-valid warning"],
    );
  });
});

/** Returns the private key of one with the public key of another. */
function withPublicKeyOf(one: Entity, other: Entity): string {
  const pointOf = ({ keys }: Entity): string =>
    keys.publicKey.export({ type: "spki", format: "der" }).subarray(-65).toString("hex");
  const der = one.keys.privateKey.export({ type: "pkcs8", format: "der" }).toString("hex");
  assert.ok(der.includes(pointOf(one)));
  return pemOf("PRIVATE KEY", Buffer.from(der.replace(pointOf(one), pointOf(other)), "hex"));
}

function withOtherExponent({ keys }: Entity): string {
  const jwk = keys.privateKey.export({ format: "jwk" });
  const changed = (value: string | undefined): string => {
    const bytes = Buffer.from(value ?? "", "base64url");
    bytes[9] = (bytes[9] ?? 0) ^ 1;
    return bytes.toString("base64url");
  };
  const key = { ...jwk, d: changed(jwk.d), dp: changed(jwk.dp) };
  return createPrivateKey({ key, format: "jwk" }).export({ type: "pkcs8", format: "pem" });
}

/** Returns the certificate of the shop with `count` CAs above it, none of which is a root. */
function deepChainOf(count: number): string {
  const authorities = Array.from({ length: count + 1 }, (_, at) => newEntity(`ca ${at}`));
  const issued = authorities.slice(1).map((one, at) => certify(one, authorities[at] ?? one));
  const leaf = certify(shop, authorities.at(-1) ?? shop, { names: ["shop.example"] });
  return leaf + issued.join("");
}

describe("the command in a hint", () => {
  const weak: Readonly<Record<string, readonly string[]>> = {
    "DES of PKCS #5": ["-v1", "PBE-MD5-DES"],
    "RC2 of PKCS #5": ["-v1", "PBE-SHA1-RC2-64"],
    "RC4 of PKCS #12": ["-v1", "PBE-SHA1-RC4-128"],
    "DES of PBES2": ["-v2", "des-cbc"],
    "RC2 of PBES2": ["-v2", "rc2-cbc"],
  };
  for (const [name, args] of Object.entries(weak)) {
    it(`converts a key that is encrypted with ${name}`, async () => {
      const legacy = ["-provider", "legacy", "-provider", "default"];
      const encrypted = execFileSync(
        "openssl",
        ["pkcs8", "-topk8", ...args, "-passout", "pass:x", ...legacy],
        { input: keyPem, encoding: "utf8" },
      );
      const problem = await problemOf([leafPem, encrypted], { passphrase: "x" });
      assert.match(problem, /^encryption-unsupported: "2\.pem": .*(?:DES|RC2|RC4)/);
      const command = /`openssl ([^`]+)`/.exec(problem)?.[1] ?? "";
      const converted = execFileSync(
        "openssl",
        [
          ...command
            .replace("-in 2.pem", "")
            .replace("-out NEW-FILE", "")
            .split(" ")
            .filter(Boolean),
          ...["-passin", "pass:x", "-passout", "pass:x"],
        ],
        { input: encrypted, encoding: "utf8" },
      );
      assertChain(await readShop([leafPem, converted], { passphrase: "x" }), leafPem);
    });
  }

  it("is given for a key with a header of RFC 1421 too", async () => {
    const sec1 = shop.keys.privateKey.export({ type: "sec1", format: "pem" });
    const header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,0011223344556677\n\n";
    const key = sec1.replace("-----\n", `-----\n${header}`);
    assert.match(
      await problemOf([leafPem, key], { passphrase: "x" }),
      /^encryption-unsupported: .*DES-CBC/,
    );
  });
});
