import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, it } from "node:test";
import { MasterKey, newMasterKeyText, tryParseMasterKey } from "./master-key.ts";
import {
  isSealedKey,
  sealKey,
  tryOpenKey,
  tryRewrap,
  type KeyIdentity,
  type Sealing,
} from "./seal-key.ts";

const masterKey = new MasterKey(randomBytes(32));
const keyPem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
const identity: KeyIdentity = {
  kind: "tls",
  name: "shop",
  version: "7",
  spkiSha256: "q".repeat(43),
};
const store = "store-1";
const sealing = sealKey(masterKey, store, identity, keyPem);

describe("a master key", () => {
  it("is read from base64 of 32 bytes, with white space around it, and from nothing else", () => {
    const text = newMasterKeyText().toString();
    assert.match(text, /^[A-Za-z0-9+/]{43}=\n$/);
    const { id } = tryParseMasterKey(Buffer.from(text)) ?? {};
    assert.match(id ?? "", /^[\w-]{22}$/);
    assert.equal(tryParseMasterKey(Buffer.from(` \r\n${text}\n`))?.id, id);
    const key = text.trim();
    const bad = [
      ...[
        "",
        "\n",
        key.slice(1),
        `${key}A`,
        key.slice(0, -1),
        `${key}\n${key}`,
        key.replace("=", "A"),
      ],
      ...[
        `${key.slice(0, 20)} ${key.slice(20)}`,
        "A".repeat(64),
        "0".repeat(64),
        "passphrase",
        "\0".repeat(32),
      ],
      ...[randomBytes(31), randomBytes(33)].map((bytes) => bytes.toString("base64")),
    ];
    for (const one of bad) {
      assert.equal(tryParseMasterKey(Buffer.from(one, "latin1")), undefined, JSON.stringify(one));
    }
    assert.equal(tryParseMasterKey(randomBytes(32)), undefined);
  });

  it("sets the bytes that it was read from to zero, and shows itself nowhere", () => {
    const bytes = randomBytes(32);
    const hex = bytes.toString("hex");
    const key = new MasterKey(bytes);
    assert.deepEqual(bytes, Buffer.alloc(32));
    const text = newMasterKeyText();
    tryParseMasterKey(text);
    assert.deepEqual(text, Buffer.alloc(text.length));
    const shown = `${inspect(key, { depth: 9, showHidden: true })} ${JSON.stringify(key)}`;
    assert.ok(!shown.includes(hex));
    assert.equal(JSON.stringify(key), JSON.stringify({ id: key.id }));
  });

  it("has an id that only the same key has", () => {
    const bytes = randomBytes(32);
    const ids = [bytes, bytes, randomBytes(32)].map((each) => new MasterKey(Buffer.from(each)).id);
    assert.equal(new Set(ids).size, 2);
  });

  it("does not wrap keys itself, but with a key that is derived from it", () => {
    const bytes = randomBytes(32);
    const derived = new MasterKey(Buffer.from(bytes)).wrappingKey.export();
    assert.equal(derived.length, 32);
    assert.ok(!derived.equals(bytes));
  });
});

describe("a sealed key", () => {
  const open = (one: Sealing, as = identity, inStore = store, by = masterKey) =>
    tryOpenKey(by, inStore, as, one);

  it("opens as what it was sealed, with each kind of key", () => {
    assert.equal(open(sealing), keyPem);
    const pems = [
      generateKeyPairSync("ed25519"),
      generateKeyPairSync("ec", { namedCurve: "P-521" }),
      generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ].map(({ privateKey }) => privateKey.export({ type: "pkcs8", format: "pem" }));
    for (const pem of [...pems, "a", "ä\u{1F512}\u0000\r\n"]) {
      assert.equal(open(sealKey(masterKey, store, identity, pem)), pem);
    }
  });

  it("does not open as another kind, name, version or public key, or in another store", () => {
    const others: readonly Partial<KeyIdentity>[] = [
      ...[{ kind: "ca" as const }, { kind: "acme" as const }],
      ...[
        { name: "shop2" },
        { name: "sho" },
        { name: "" },
        { name: "Shop" },
        { name: "shop\u0000" },
      ],
      ...[{ version: "8" }, { version: "" }, { version: "07" }, { version: "77" }],
      ...[{ spkiSha256: "r".repeat(43) }, { spkiSha256: "" }],
      // What one field loses, the next one gains.
      ...[
        { name: "shop7", version: "" },
        { name: "sho", version: "p7" },
      ],
    ];
    for (const other of others) {
      assert.equal(open(sealing, { ...identity, ...other }), undefined, JSON.stringify(other));
    }
    for (const other of ["store-2", "", "store-1 "]) {
      assert.equal(open(sealing, identity, other), undefined, other);
    }
  });

  it("does not open with another master key", () => {
    assert.equal(open(sealing, identity, store, new MasterKey(randomBytes(32))), undefined);
  });

  it("does not open with the data key or the bytes of another one", () => {
    const other = sealKey(masterKey, store, { ...identity, version: "8" }, keyPem);
    const { sealed, wrapped } = sealing;
    const mixed: readonly Sealing[] = [
      { sealed, wrapped: other.wrapped },
      { sealed: other.sealed, wrapped },
      { sealed: other.sealed, wrapped: other.wrapped },
      { sealed: { ...sealed, dataKey: other.sealed.dataKey }, wrapped: other.wrapped },
      { sealed: { ...other.sealed, dataKey: sealed.dataKey }, wrapped },
      { sealed: { ...sealed, bytes: other.sealed.bytes }, wrapped },
      { sealed: { ...sealed, nonce: other.sealed.nonce }, wrapped },
      { sealed: { ...sealed, tag: other.sealed.tag }, wrapped },
      { sealed: { ...sealed, dataKey: "" }, wrapped },
      { sealed: { ...sealed, dataKey: sealed.dataKey.toUpperCase() }, wrapped },
      { sealed, wrapped: { ...wrapped, tag: other.wrapped.tag } },
      { sealed, wrapped: { ...wrapped, nonce: other.wrapped.nonce } },
      { sealed, wrapped: sealed },
      { sealed: { ...sealed, ...wrapped }, wrapped },
    ];
    for (const [at, one] of mixed.entries()) assert.equal(open(one), undefined, `${at}`);
  });

  it("is no JSON of another shape or format", () => {
    const { sealed } = sealing;
    assert.ok(isSealedKey(JSON.parse(JSON.stringify(sealed))));
    const { tag: _tag, ...without } = sealed;
    const bad: readonly unknown[] = [
      ...[null, undefined, "", 1, [], {}, keyPem, without, [sealed], JSON.stringify(sealed)],
      ...[0, 2, "1", null].map((format) => ({ ...sealed, format })),
      ...["nonce", "bytes", "tag", "dataKey"].map((field) => ({ ...sealed, [field]: 7 })),
      ...[
        { ...sealed, dataKey: "" },
        { ...sealed, more: true },
      ],
      { ...sealed, bytes: "A".repeat(1_000_000) },
    ];
    for (const one of bad) assert.equal(isSealedKey(one), false, JSON.stringify(one)?.slice(0, 80));
  });

  it("is not made of nothing, or of what is too large for a key", () => {
    for (const pem of ["", "A".repeat(64 * 1024 + 1)]) {
      assert.throws(() => sealKey(masterKey, store, identity, pem), RangeError);
    }
    const largest = "A".repeat(64 * 1024);
    const large = sealKey(masterKey, store, identity, largest);
    assert.ok(isSealedKey(large.sealed));
    assert.equal(open(large), largest);
    assert.throws(
      () => sealKey(masterKey, store, { ...identity, name: "\ud800" }, keyPem),
      RangeError,
    );
  });

  it("has a data key and nonces of its own", () => {
    const all = Array.from({ length: 500 }, () => sealKey(masterKey, store, identity, keyPem));
    const values = all.flatMap(({ sealed, wrapped }) => [
      ...[sealed.dataKey, sealed.nonce, sealed.bytes, sealed.tag],
      ...[wrapped.nonce, wrapped.bytes, wrapped.tag],
    ]);
    assert.equal(new Set(values).size, 500 * 7);
  });

  it("stays as it is when its data key is wrapped with another master key", () => {
    const next = new MasterKey(randomBytes(32));
    const { sealed, wrapped } = sealing;
    const rewrapped = tryRewrap(masterKey, next, store, sealed.dataKey, wrapped);
    assert.ok(rewrapped !== undefined);
    assert.equal(open({ sealed, wrapped: rewrapped }, identity, store, next), keyPem);
    assert.equal(open({ sealed, wrapped: rewrapped }), undefined);
    assert.equal(open(sealing, identity, store, next), undefined);
    assert.equal(tryRewrap(next, masterKey, store, sealed.dataKey, wrapped), undefined);
    assert.equal(tryRewrap(masterKey, next, store, "other", wrapped), undefined);
    assert.equal(tryRewrap(masterKey, next, "store-2", sealed.dataKey, wrapped), undefined);
  });
});
