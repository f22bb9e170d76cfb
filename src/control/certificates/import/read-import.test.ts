import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { certify, newEntity } from "#harness/certify.ts";
import { extension, generalNames, oid, sequence } from "#harness/der.ts";
import { issueOddCertificate, utcTime } from "#harness/odd-certificate.ts";
import {
  assertChain,
  keyPem,
  leafPem,
  low,
  lowPem,
  middle,
  middlePem,
  notesOf,
  problemOf,
  readShop,
  root,
  rootPem,
  shop,
  stranger,
  strangerPem,
} from "#harness/shop-import.ts";

describe("the chain of an import", () => {
  it("is sorted, and the root, duplicates and strangers are left out and told", async () => {
    const found = await readShop([
      rootPem + lowPem + strangerPem,
      leafPem,
      middlePem + lowPem + keyPem,
    ]);
    assertChain(found, leafPem, lowPem, middlePem);
    assert.deepEqual(notesOf(found), [
      "duplicate-left-out",
      "root-left-out",
      "unrelated-left-out",
      "chain-sorted",
    ]);
    assert.deepEqual(found.warnings, []);
    assert.deepEqual(found.version.facts.names, ["shop.example", "*.shop.example"]);
  });

  it("has no note if it is as it should be", async () => {
    const found = await readShop([leafPem + lowPem + middlePem, keyPem]);
    assertChain(found, leafPem, lowPem, middlePem);
    assert.deepEqual([found.notes, found.warnings], [[], []]);
  });

  it("has a warning if it is not complete, unless the files have its root", async () => {
    const access = sequence(oid("1.3.6.1.5.5.7.48.2"), generalNames.uri("http://ca.example/low"));
    const pem = certify(shop, root, {
      names: ["shop.example"],
      extensions: [extension("1.3.6.1.5.5.7.1.1", false, sequence(access))],
    });
    const codesOf = async (...contents: readonly string[]): Promise<readonly string[]> =>
      (await readShop(contents)).warnings.map(({ code }) => code);
    assert.deepEqual(await codesOf(pem, keyPem), ["chain-incomplete"]);
    assert.deepEqual(await codesOf(pem + rootPem, keyPem), []);
  });

  it("ends with the root if that is wanted", async () => {
    const found = await readShop([leafPem + rootPem + middlePem + lowPem, keyPem], {
      keepsRoot: true,
    });
    assertChain(found, leafPem, lowPem, middlePem, rootPem);
  });

  it("is completed from the intermediates of the director, without roots", async () => {
    const intermediatesPem = strangerPem + middlePem + rootPem + lowPem;
    const found = await readShop([leafPem, keyPem], { intermediatesPem });
    assertChain(found, leafPem, lowPem, middlePem);
    assert.deepEqual(notesOf(found), ["chain-completed", "chain-completed"]);
    const half = await readShop([leafPem + lowPem, keyPem], { intermediatesPem });
    assertChain(half, leafPem, lowPem, middlePem);
  });

  it("may be a certificate alone, signed by a CA or by itself", async () => {
    assertChain(await readShop([leafPem, keyPem]), leafPem);
    const selfPem = certify(shop, shop, { names: ["shop.example"] });
    assertChain(await readShop([selfPem, keyPem]), selfPem);
  });

  it("takes the path of the files where a CA has two certificates", async () => {
    const old = newEntity("old root");
    const crossPem = certify(middle, old);
    assertChain(await readShop([leafPem + lowPem + crossPem, keyPem]), leafPem, lowPem, crossPem);
    const two = await readShop([leafPem + lowPem + crossPem + middlePem, keyPem]);
    assertChain(two, leafPem, lowPem, crossPem);
    assert.deepEqual(notesOf(two), ["unrelated-left-out"]);
    const known = await readShop([leafPem + lowPem + middlePem, keyPem], {
      intermediatesPem: crossPem,
    });
    assertChain(known, leafPem, lowPem, middlePem);
    const expiredPem = certify(middle, old, { notAfter: utcTime("210101000000Z") });
    const valid = await readShop([leafPem + lowPem + expiredPem + middlePem, keyPem]);
    assertChain(valid, leafPem, lowPem, middlePem);
  });

  it("takes the certificate of a root that another root has signed before the root itself", async () => {
    const old = newEntity("old root");
    const crossRootPem = certify(root, old);
    const found = await readShop([leafPem + lowPem + middlePem + rootPem + crossRootPem, keyPem]);
    assertChain(found, leafPem, lowPem, middlePem, crossRootPem);
  });

  it("is no loop where two CAs have signed each other", async () => {
    const a = newEntity("a");
    const b = newEntity("b");
    const aByB = certify(a, b);
    const bByA = certify(b, a);
    const pem = certify(shop, a, { names: ["shop.example"] });
    assertChain(await readShop([bByA + aByB + pem, keyPem]), pem, aByB);
    const selfA = certify(a, a);
    assertChain(await readShop([selfA + bByA + aByB + pem, keyPem]), pem, aByB);
  });

  it("is that of the newest certificate that a CA has signed, if several are for the key", async () => {
    const olderPem = certify(shop, low, {
      names: ["shop.example"],
      notAfter: utcTime("390101000000Z"),
    });
    const selfPem = certify(shop, shop, {
      names: ["shop.example"],
      notAfter: utcTime("490101000000Z"),
    });
    assertChain(await readShop([olderPem + selfPem + leafPem + lowPem, keyPem]), leafPem, lowPem);
  });

  it("does not follow a CA that only has the name of the issuer, or is no CA", async () => {
    const impostor = { ...newEntity("low"), name: "low" };
    const impostorPem = certify(impostor, middle);
    assertChain(await readShop([impostorPem + leafPem + lowPem, keyPem]), leafPem, lowPem);
    assert.match(
      await problemOf([leafPem + impostorPem, keyPem]),
      /^chain-mismatch: .*CN=low.*its key has not signed/,
    );
    const noCaPem = certify(low, middle, { names: ["low.example"] });
    assert.match(
      await problemOf([leafPem + noCaPem, keyPem]),
      /^chain-mismatch: .*not the certificate of a CA/,
    );
  });
});

describe("an import finds certificates and keys", () => {
  const all = leafPem + lowPem + middlePem + keyPem;
  const bag =
    "Bag Attributes\n    friendlyName: shop\nsubject=CN = shop.example\nissuer=CN = low\n";
  const forms: Readonly<Record<string, string | Uint8Array>> = {
    "in one file": all,
    "with the key first": keyPem + leafPem + lowPem + middlePem,
    "with CRLF": all.replaceAll("\n", "\r\n"),
    "with CR alone": all.replaceAll("\n", "\r"),
    "after a byte order mark": `\u{feff}${all}`,
    "in UTF-16": Buffer.from(`\u{feff}${all}`, "utf16le"),
    "in UTF-16 of the other order": Buffer.from(`\u{feff}${all}`, "utf16le").swap16(),
    "between bag attributes": all.replaceAll("-----BEGIN", `${bag}-----BEGIN`),
    "joined without line ends": all.replaceAll("-----\n-----", "----------"),
    indented: all.replaceAll(/^/gm, "    "),
    "with text on their lines": all
      .replaceAll("-----BEGIN", "cert: -----BEGIN")
      .replaceAll(/(-----END [A-Z ]+-----)/g, "$1 # end"),
    "in JSON": JSON.stringify({
      certificate: leafPem + lowPem,
      chain: [middlePem],
      private_key: keyPem,
    }),
    "with lines of any length": all.replaceAll(/([A-Za-z0-9+/=])\n(?!-)/g, "$1"),
    "with spaces at the ends of lines": all.replaceAll("\n", " \t\n"),
  };
  for (const [form, content] of Object.entries(forms)) {
    it(form, async () => assertChain(await readShop([content]), leafPem, lowPem, middlePem));
  }

  const keyForms = (key: ReturnType<typeof createPrivateKey>, der: "pkcs1" | "sec1") => [
    key.export({ type: "pkcs8", format: "pem" }),
    key.export({ type: "pkcs8", format: "der" }),
    key.export({ type: der as "sec1", format: "pem" }),
    key.export({ type: der as "sec1", format: "der" }),
    key.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "x" }),
    key.export({ type: "pkcs8", format: "der", cipher: "aes-256-cbc", passphrase: "x" }),
    key.export({ type: der as "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }),
  ];

  it("in DER, with a key in PKCS #8, SEC 1 or PKCS #1, encrypted or not", async () => {
    const certificateDer = new X509Certificate(leafPem).raw;
    for (const key of keyForms(shop.keys.privateKey, "sec1")) {
      assertChain(await readShop([certificateDer, key], { passphrase: "x" }), leafPem);
    }
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { chainPem, keyPem: rsaPem } = issueOddCertificate({ keys: rsa });
    for (const key of keyForms(rsa.privateKey, "pkcs1")) {
      const { version } = await readShop([chainPem, key], { passphrase: "x" });
      assert.equal(version.material.keyPem, rsaPem);
    }
  });

  it("and the key of a request, if the certificate is for it", async () => {
    assertChain(await readShop([leafPem + lowPem], { pendingKeyPem: keyPem }), leafPem, lowPem);
    assertChain(await readShop([leafPem, keyPem], { pendingKeyPem: stranger.keyPem }), leafPem);
    assert.match(
      await problemOf([leafPem], { pendingKeyPem: stranger.keyPem }),
      /^key-mismatch: The key that the director made for the request/,
    );
  });

  it("among keys of which only one has a certificate", async () => {
    const found = await readShop([leafPem, keyPem + stranger.keyPem + keyPem]);
    assertChain(found, leafPem);
    assert.deepEqual(notesOf(found), ["key-left-out"]);
  });
});
