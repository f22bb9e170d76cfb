import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { der, oid, sequence } from "#harness/der.ts";
import { derInteger, pbkdf2Algorithm, scryptAlgorithm } from "#harness/sealed-key.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import type { KeyType } from "#harness/test-keys.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { firstElement } from "../der-reader.ts";
import { KeyWork } from "../key-work.ts";
import { parsePem } from "../pem-blocks.ts";
import { readPrivateKey } from "../read-private-key.ts";
import { SourceProblem } from "../source-problem.ts";
import { derivePkcs12Key, pkcs12Passphrase, PURPOSE } from "./pkcs12-key.ts";
import { readPkcs12, type Pkcs12Contents } from "./read-pkcs12.ts";

const PASSPHRASE = "gehéim €";

/** A passphrase of null is none. */
const open = (bytes: Uint8Array, passphrase: string | null = PASSPHRASE): Pkcs12Contents =>
  readPkcs12(Buffer.from(bytes), passphrase ?? undefined, "certificates.shop", new KeyWork());

function problemOf(bytes: Uint8Array, passphrase: string | null = PASSPHRASE): string {
  try {
    open(bytes, passphrase);
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    const { code, message, hint } = error.problem;
    return `${code}: ${message} ${hint}`;
  }
  return "accepted";
}

/** What the files below are made from. */
let folder: string;
const keys: Partial<Record<KeyType, string>> = {};

before(async () => {
  folder = await makeTempFolder();
  const ca = await (await createTestCa()).issueIntermediate("middle");
  for (const keyType of ["ecdsa", "rsa", "ed25519"] as const) {
    const issued = await ca.issue({ names: ["shop.example"], keyType });
    await writeFiles(folder, {
      [`${keyType}.pem`]: issued.chainPem,
      [`${keyType}.key`]: issued.keyPem,
    });
    keys[keyType] = issued.keyPem;
  }
});

function exported(keyType: KeyType, options: readonly string[], passphrase = PASSPHRASE): Buffer {
  const input = ["-in", join(folder, `${keyType}.pem`), "-inkey", join(folder, `${keyType}.key`)];
  const args = ["pkcs12", "-export", ...options, ...input, "-passout", `pass:${passphrase}`];
  return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] });
}

describe("PKCS #12 of OpenSSL is opened", () => {
  const forms: readonly string[] = [
    "",
    "-legacy",
    "-descert",
    "-keypbe AES-256-CBC -certpbe AES-128-CBC",
    "-certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES -legacy",
    "-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40 -legacy",
    "-certpbe NONE -keypbe NONE",
    "-macalg sha512 -iter 20000",
    "-name shop -caname middle",
    "-nomac",
  ];
  for (const form of forms) {
    it(form === "" ? "as it is written by default" : form, () => {
      const found = open(exported("ecdsa", form.split(" ").filter(Boolean)));
      assert.deepEqual(
        found.keys.map(({ pem }) => pem),
        [keys.ecdsa],
      );
      assert.equal(found.certificates.length, 2);
      assert.equal(found.hasMac, form !== "-nomac");
    });
  }

  it("with keys of every type", () => {
    for (const keyType of ["rsa", "ed25519"] as const) {
      for (const options of [[], ["-legacy"]]) {
        assert.equal(open(exported(keyType, options)).keys[0]?.pem, keys[keyType]);
      }
    }
  });

  it("without a passphrase, or with an empty one", () => {
    const file = exported("ecdsa", [], "");
    for (const passphrase of ["", null]) {
      assert.equal(problemOf(file, passphrase), "accepted");
    }
    assert.match(problemOf(file, "x"), /^bad-passphrase/);
  });

  it("with lengths and strings in the form of Windows and of Java", () => {
    const file = firstElement(exported("ecdsa", [])).contents;
    const version = firstElement(file);
    const authSafe = firstElement(file.subarray(version.bytes.length));
    const mac = file.subarray(version.bytes.length + authSafe.bytes.length);
    const type = firstElement(authSafe.contents);
    const safe = firstElement(
      firstElement(authSafe.contents.subarray(type.bytes.length)).contents,
    ).contents;
    const endless = (tag: number, ...parts: readonly Uint8Array[]): Buffer =>
      Buffer.concat([Buffer.of(tag, 0x80), ...parts, Buffer.of(0, 0)]);
    const pieces = [safe.subarray(0, 300), safe.subarray(300)].map((piece) => der(0x04, piece));
    const content = endless(0xa0, endless(0x24, ...pieces));
    const ber = endless(0x30, version.bytes, endless(0x30, type.bytes, content), mac);
    assert.equal(open(ber).keys[0]?.pem, keys.ecdsa);
  });

  it("and a wrong passphrase is named, with and without a MAC", () => {
    for (const options of [[], ["-legacy"], ["-nomac"], ["-nomac", "-legacy"]]) {
      const file = exported("ecdsa", options);
      assert.match(problemOf(file, "falsch"), /^bad-passphrase: /, options.join(" "));
      assert.match(problemOf(file, null), /^key-encrypted: /, options.join(" "));
    }
  });

  it("after it was converted by the command in the hint, where the director does not open it", () => {
    const weak = ["-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC4-40", "-legacy"];
    const file = exported("ecdsa", weak);
    const command = /`openssl (pkcs12 -legacy) -in FILE -out PEM-FILE`/.exec(problemOf(file))?.[1];
    assert.ok(command);
    const args = [...command.split(" "), "-passin", `pass:${PASSPHRASE}`, "-passout", "pass:x"];
    const pem = execFileSync("openssl", args, { input: file, encoding: "utf8" });
    const key = readPrivateKey(parsePem(pem), "x", "key");
    assert.equal(key.pem, keys.ecdsa);
  });

  it("only whole, and damage is a named problem", () => {
    const file = exported("ecdsa", []);
    for (let at = 0; at < file.length; at += 29) {
      const cut = problemOf(file.subarray(0, at));
      assert.match(cut, /^pkcs12-malformed: /);
      const flipped = Buffer.from(file);
      flipped[at] = (flipped[at] ?? 0) ^ 0x55;
      // The MAC protects everything but the structure around it.
      const isOpened = problemOf(flipped) === "accepted";
      if (isOpened) assert.equal(open(flipped).keys[0]?.pem, keys.ecdsa, `byte ${at}`);
    }
    const plain = exported("ecdsa", ["-nomac"]);
    for (let at = 0; at < plain.length; at += 17) {
      const flipped = Buffer.from(plain);
      flipped[at] = (flipped[at] ?? 0) ^ 0x55;
      // The bytes of a certificate are not checked here. What counts is that no other exception is thrown.
      problemOf(flipped);
    }
  });
});

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED = "1.2.840.113549.1.7.6";
const BAG = "1.2.840.113549.1.12.10.1";
const PBE_3DES = "1.2.840.113549.1.12.1.3";

const tagged = (...parts: readonly Uint8Array[]): Buffer => der(0xa0, ...parts);
const dataInfo = (contents: Uint8Array): Buffer => sequence(oid(DATA), tagged(der(0x04, contents)));
const encryptedInfo = (algorithm: Uint8Array): Buffer =>
  sequence(
    oid(ENCRYPTED),
    tagged(sequence(derInteger(0), sequence(oid(DATA), algorithm, der(0x80, Buffer.alloc(64))))),
  );
const pfx = (infos: readonly Uint8Array[], ...mac: readonly Uint8Array[]): Buffer =>
  sequence(derInteger(3), dataInfo(sequence(...infos)), ...mac);
const bagOf = (kind: number, value: Uint8Array): Buffer =>
  sequence(oid(`${BAG}.${kind}`), tagged(value));
const certBag = bagOf(
  3,
  sequence(oid("1.2.840.113549.1.9.22.1"), tagged(der(0x04, Buffer.alloc(8)))),
);
const pkcs12Algorithm = (iterations: number): Buffer =>
  sequence(oid(PBE_3DES), sequence(der(0x04, "saltsalt"), derInteger(iterations)));
const macOf = (algorithm: Uint8Array, iterations: number, digest = Buffer.alloc(32)): Buffer =>
  sequence(sequence(algorithm, der(0x04, digest)), der(0x04, "saltsalt"), derInteger(iterations));
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), der(0x05));
const nested = (levels: number): Buffer =>
  levels === 0 ? certBag : bagOf(6, sequence(nested(levels - 1)));

describe("PKCS #12 is refused at once", () => {
  const cases: Readonly<Record<string, readonly [file: Uint8Array, problem: RegExp]>> = {
    "with a MAC of a billion iterations": [
      pfx([], macOf(SHA256, 1_000_000_000)),
      /^key-cost: .*1000000000 iterations.*`openssl pkcs12/,
    ],
    "with a MAC of more iterations than a number holds": [
      pfx(
        [],
        sequence(
          sequence(SHA256, der(0x04, Buffer.alloc(32))),
          der(0x04, "s"),
          der(0x02, Buffer.alloc(16, 0x7f)),
        ),
      ),
      /^key-cost: /,
    ],
    "with PBKDF2 of a billion iterations": [
      pfx([encryptedInfo(pbkdf2Algorithm(1_000_000_000))]),
      /^key-cost: /,
    ],
    "with ten contents of a million iterations": [
      pfx(Array.from({ length: 10 }, () => encryptedInfo(pkcs12Algorithm(1_000_000)))),
      /^key-cost: /,
    ],
    "with a key of a billion iterations": [
      pfx([dataInfo(sequence(bagOf(2, sequence(pkcs12Algorithm(1_000_000_000), der(0x04, "x")))))]),
      /^key-cost: /,
    ],
    "with scrypt": [
      pfx([encryptedInfo(scryptAlgorithm(16_384, 8, 1))]),
      /^encryption-unsupported: .*scrypt.*`openssl pkcs12 -in FILE -out PEM-FILE`/,
    ],
    "with RC4": [
      pfx([
        encryptedInfo(
          sequence(oid("1.2.840.113549.1.12.1.1"), sequence(der(0x04, "s"), derInteger(1))),
        ),
      ]),
      /^encryption-unsupported: .*RC4.*`openssl pkcs12 -legacy/,
    ],
    "with PBMAC1": [
      pfx([], macOf(sequence(oid("1.2.840.113549.1.5.14"), sequence()), 1)),
      /^encryption-unsupported: .*PBMAC1.*`openssl pkcs12 -in FILE -out PEM-FILE`/,
    ],
    "with a signature instead of a MAC": [
      sequence(derInteger(3), sequence(oid("1.2.840.113549.1.7.2"), tagged(sequence()))),
      /^encryption-unsupported: /,
    ],
    "with contents for a key": [
      pfx([sequence(oid("1.2.840.113549.1.7.3"), tagged(sequence()))]),
      /^encryption-unsupported: /,
    ],
    "with no iterations": [pfx([encryptedInfo(pbkdf2Algorithm(0))]), /^pkcs12-malformed: /],
    "with a MAC of the wrong length": [
      pfx([], macOf(SHA256, 1, Buffer.alloc(500_000))),
      /^pkcs12-malformed: /,
    ],
    "with 5,000 bags": [
      pfx([dataInfo(sequence(...Array.from({ length: 5_000 }, () => certBag)))]),
      /^import-too-large: /,
    ],
    "with 20 levels of bags": [pfx([dataInfo(sequence(nested(20)))]), /^import-too-large: /],
    "with 250,000 levels of elements": [
      Buffer.alloc(500_000, "\x30\x80", "latin1"),
      /^pkcs12-malformed: /,
    ],
    "with 250,000 levels inside of it": [
      pfx([dataInfo(Buffer.alloc(500_000, "\x30\x80", "latin1"))]),
      /^pkcs12-malformed: /,
    ],
    "with a length of 2 GiB": [Buffer.from("30847fffffff020103", "hex"), /^pkcs12-malformed: /],
    "with a length of a length": [Buffer.from("30ff020103", "hex"), /^pkcs12-malformed: /],
    "with more than 512 KiB": [pfx([dataInfo(Buffer.alloc(512 * 1024))]), /^import-too-large: /],
    "with 250,000 empty contents": [
      pfx([Buffer.alloc(500_000, "\x30\x00", "latin1")]),
      /^pkcs12-malformed: /,
    ],
  };
  for (const [name, [file, pattern]] of Object.entries(cases)) {
    it(name, () => {
      const startedAt = performance.now();
      assert.match(problemOf(file), pattern);
      assert.ok(performance.now() - startedAt < 10_000);
    });
  }

  it("but bags in bags are read", () => {
    assert.equal(open(pfx([dataInfo(sequence(nested(3), certBag))])).certificates.length, 2);
  });
});

it("the key of a MAC is derived as in OpenSSL, also with a hash of longer blocks", () => {
  const options = { passphrase: pkcs12Passphrase(PASSPHRASE), salt: Buffer.from("saltsalt") };
  const safe = sequence(dataInfo(sequence(certBag)));
  for (const [digest, id, bytes] of [
    ["sha384", "2.16.840.1.101.3.4.2.2", 48],
    ["sha512", "2.16.840.1.101.3.4.2.3", 64],
  ] as const) {
    const key = derivePkcs12Key({ ...options, digest, iterations: 3, purpose: PURPOSE.mac, bytes });
    const mac = createHmac(digest, key).update(safe).digest();
    const file = sequence(
      derInteger(3),
      dataInfo(safe),
      macOf(sequence(oid(id), der(0x05)), 3, mac),
    );
    assert.equal(open(file).hasMac, true);
    const args = ["pkcs12", "-nokeys", "-passin", `pass:${PASSPHRASE}`, "-info", "-noout"];
    execFileSync("openssl", args, { input: file, stdio: ["pipe", "ignore", "ignore"] });
  }
});
