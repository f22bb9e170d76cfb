import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { certify, newEntity } from "#harness/certify.ts";
import { alternativeNames, distinguishedName, generalNames } from "#harness/der.ts";
import { issueOddCertificate, utcTime } from "#harness/odd-certificate.ts";
import { pbkdf2Algorithm, scryptAlgorithm, sealedKeyPem } from "#harness/sealed-key.ts";
import { PROBLEMS } from "#model/problem.ts";
import { parsePem } from "../pem-blocks.ts";
import { SourceProblem } from "../source-problem.ts";
import { readImport, type ImportInput, type ReadImport } from "./read-import.ts";

const root = newEntity("root");
const middle = newEntity("middle");
const low = newEntity("low");
const shop = newEntity("shop.example");
const stranger = newEntity("stranger");

const rootPem = certify(root, root);
const middlePem = certify(middle, root);
const lowPem = certify(low, middle);
const leafPem = certify(shop, low, { names: ["shop.example", "*.shop.example"] });
const strangerPem = certify(stranger, root);
const keyPem = shop.keyPem;

const read = (
  contents: readonly (string | Uint8Array)[],
  options: Partial<ImportInput> = {},
): Promise<ReadImport> =>
  readImport({
    files: contents.map((content, at) => ({ name: `${at + 1}.pem`, bytes: Buffer.from(content) })),
    passphrase: undefined,
    pendingKeyPem: undefined,
    intermediatesPem: "",
    place: "certificates.shop",
    keepsRoot: false,
    allowsNotYetValid: false,
    nowMs: Date.now(),
    ...options,
  });

const fingerprintsOf = (...pems: readonly string[]): readonly string[] =>
  pems.flatMap((pem) =>
    parsePem(pem).blocks.map((block) => new X509Certificate(block.pem).fingerprint256),
  );

/** The chain is these certificates, and the key is that of the shop. */
function assertChain(found: ReadImport, ...pems: readonly string[]): void {
  assert.deepEqual(fingerprintsOf(found.version.material.chainPem), fingerprintsOf(...pems));
  assert.equal(found.version.material.keyPem, keyPem);
}

const notesOf = (found: ReadImport): readonly string[] => found.notes.map(({ kind }) => kind);

async function problemOf(
  contents: readonly (string | Uint8Array)[],
  options: Partial<ImportInput> = {},
): Promise<string> {
  try {
    await read(contents, options);
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    const { code, path, message, hint, severity } = error.problem;
    assert.ok(Object.hasOwn(PROBLEMS, code), code);
    assert.equal(path, "certificates.shop");
    assert.equal(severity, "error");
    assert.ok(hint.length > 10, `${code} has a hint`);
    assert.ok(!`${message}${hint}`.includes("-----BEGIN"));
    return `${code}: ${message} ${hint}`;
  }
  throw new Error("The files were accepted.");
}

describe("the chain of an import", () => {
  it("is sorted, and the root, duplicates and strangers are left out and told", async () => {
    const found = await read([
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
    const found = await read([leafPem + lowPem + middlePem, keyPem]);
    assertChain(found, leafPem, lowPem, middlePem);
    assert.deepEqual(found.notes, []);
  });

  it("ends with the root if that is wanted", async () => {
    const found = await read([leafPem + rootPem + middlePem + lowPem, keyPem], { keepsRoot: true });
    assertChain(found, leafPem, lowPem, middlePem, rootPem);
  });

  it("is completed from the intermediates of the director, without roots", async () => {
    const intermediatesPem = strangerPem + middlePem + rootPem + lowPem;
    const found = await read([leafPem, keyPem], { intermediatesPem });
    assertChain(found, leafPem, lowPem, middlePem);
    assert.deepEqual(notesOf(found), ["chain-completed", "chain-completed"]);
    const half = await read([leafPem + lowPem, keyPem], { intermediatesPem });
    assertChain(half, leafPem, lowPem, middlePem);
  });

  it("may be a certificate alone, signed by a CA or by itself", async () => {
    assertChain(await read([leafPem, keyPem]), leafPem);
    const selfPem = certify(shop, shop, { names: ["shop.example"] });
    assertChain(await read([selfPem, keyPem]), selfPem);
  });

  it("takes the path of the files where a CA has two certificates", async () => {
    const old = newEntity("old root");
    const crossPem = certify(middle, old);
    assertChain(await read([leafPem + lowPem + crossPem, keyPem]), leafPem, lowPem, crossPem);
    const two = await read([leafPem + lowPem + crossPem + middlePem, keyPem]);
    assertChain(two, leafPem, lowPem, crossPem);
    assert.deepEqual(notesOf(two), ["unrelated-left-out"]);
    const known = await read([leafPem + lowPem + middlePem, keyPem], {
      intermediatesPem: crossPem,
    });
    assertChain(known, leafPem, lowPem, middlePem);
    const expiredPem = certify(middle, old, { notAfter: utcTime("210101000000Z") });
    const valid = await read([leafPem + lowPem + expiredPem + middlePem, keyPem]);
    assertChain(valid, leafPem, lowPem, middlePem);
  });

  it("takes the certificate of a root that another root has signed before the root itself", async () => {
    const old = newEntity("old root");
    const crossRootPem = certify(root, old);
    const found = await read([leafPem + lowPem + middlePem + rootPem + crossRootPem, keyPem]);
    assertChain(found, leafPem, lowPem, middlePem, crossRootPem);
  });

  it("is no loop where two CAs have signed each other", async () => {
    const a = newEntity("a");
    const b = newEntity("b");
    const aByB = certify(a, b);
    const bByA = certify(b, a);
    const pem = certify(shop, a, { names: ["shop.example"] });
    assertChain(await read([bByA + aByB + pem, keyPem]), pem, aByB);
    const selfA = certify(a, a);
    assertChain(await read([selfA + bByA + aByB + pem, keyPem]), pem, aByB);
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
    assertChain(await read([olderPem + selfPem + leafPem + lowPem, keyPem]), leafPem, lowPem);
  });

  it("does not follow a CA that only has the name of the issuer, or is no CA", async () => {
    const impostor = { ...newEntity("low"), name: "low" };
    const impostorPem = certify(impostor, middle);
    assertChain(await read([impostorPem + leafPem + lowPem, keyPem]), leafPem, lowPem);
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

  it("has at most ten certificates", async () => {
    const all = Array.from({ length: 15 }, (_, at) => newEntity(`ca ${at}`));
    const pems = all.slice(1).map((one, at) => certify(one, all[at] ?? root));
    const pem = certify(shop, all.at(-1) ?? root, { names: ["shop.example"] });
    const { version } = await read([pem + pems.join(""), keyPem]);
    assert.equal(fingerprintsOf(version.material.chainPem).length, 10);
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
    it(form, async () => assertChain(await read([content]), leafPem, lowPem, middlePem));
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
      assertChain(await read([certificateDer, key], { passphrase: "x" }), leafPem);
    }
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { chainPem, keyPem: rsaPem } = issueOddCertificate({ keys: rsa });
    for (const key of keyForms(rsa.privateKey, "pkcs1")) {
      const { version } = await read([chainPem, key], { passphrase: "x" });
      assert.equal(version.material.keyPem, rsaPem);
    }
  });

  it("and the key of a request, if the certificate is for it", async () => {
    assertChain(await read([leafPem + lowPem], { pendingKeyPem: keyPem }), leafPem, lowPem);
    assertChain(await read([leafPem, keyPem], { pendingKeyPem: stranger.keyPem }), leafPem);
    assert.match(
      await problemOf([leafPem], { pendingKeyPem: stranger.keyPem }),
      /^key-mismatch: The key that the director made for the request/,
    );
  });

  it("among keys of which only one has a certificate", async () => {
    const found = await read([leafPem, keyPem + stranger.keyPem + keyPem]);
    assertChain(found, leafPem);
    assert.deepEqual(notesOf(found), ["key-left-out"]);
  });
});

describe("an import is refused for", () => {
  const otherKey = newEntity("x").keyPem;
  const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;
  const named = (...names: readonly (string | Uint8Array)[]): string =>
    certify(shop, root, { extensions: [alternativeNames(...names.map(generalNames.dns))] });
  const many = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `h${at}.example`);
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
      /^certificate-malformed: "1\.pem": .*not closed/,
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
      /^key-cost: /,
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
      assert.ok(performance.now() - startedAt < 4_000, "it takes no long time");
    });
  }

  it("no name, but tells that text which is no DNS name is not served", async () => {
    const found = await read([named("shop.example", "shop.example:443"), keyPem]);
    assert.deepEqual(found.version.facts.names, ["shop.example"]);
    assert.deepEqual(notesOf(found), ["name-left-out"]);
  });

  it("no start in the future if that is allowed", async () => {
    const notBefore = utcTime("390101000000Z");
    const pem = certify(shop, low, { names: ["shop.example"], notBefore });
    const found = await read([pem, keyPem], { allowsNotYetValid: true });
    assert.deepEqual(
      found.warnings.map(({ code, severity }) => `${code} ${severity}`),
      ["certificate-not-yet-valid warning"],
    );
  });
});

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
      assertChain(await read([leafPem, converted], { passphrase: "x" }), leafPem);
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
