import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import {
  additionalDataOf,
  encryptBytes,
  tryDecryptBytes,
  type Encrypted,
} from "./encrypt-bytes.ts";

const key = randomBytes(32);
const data = additionalDataOf(["what", "it", "is"]);
const clear = Buffer.from("a private key");
const encrypted = encryptBytes(key, clear, data);
const FIELDS = ["nonce", "bytes", "tag"] as const;

const withField = (field: keyof Encrypted, bytes: Buffer): Encrypted => ({
  ...encrypted,
  [field]: bytes.toString("base64url"),
});

describe("what is encrypted", () => {
  it("is decrypted with the same key and additional data, and with no others", () => {
    assert.deepEqual(tryDecryptBytes(key, encrypted, data), clear);
    assert.equal(tryDecryptBytes(randomBytes(32), encrypted, data), undefined);
    assert.equal(
      tryDecryptBytes(key, encrypted, additionalDataOf(["what", "it", "was"])),
      undefined,
    );
    assert.equal(tryDecryptBytes(key, encrypted, Buffer.alloc(0)), undefined);
  });

  it("has a nonce of 96 bits and a tag of 128 bits", () => {
    assert.equal(Buffer.from(encrypted.nonce, "base64url").length, 12);
    assert.equal(Buffer.from(encrypted.tag, "base64url").length, 16);
  });

  for (const field of FIELDS) {
    it(`is refused if any bit of its ${field} is another`, () => {
      const bytes = Buffer.from(encrypted[field], "base64url");
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
        assert.equal(tryDecryptBytes(key, withField(field, flipped), data), undefined, `${bit}`);
      }
    });

    it(`is refused if its ${field} is longer, shorter, empty or is not base64url`, () => {
      const bytes = Buffer.from(encrypted[field], "base64url");
      const lengths = Array.from({ length: bytes.length }, (_, length) => length);
      for (const length of lengths) {
        const cut = withField(field, bytes.subarray(0, length));
        assert.equal(tryDecryptBytes(key, cut, data), undefined, `${length} bytes`);
      }
      const longer = withField(field, Buffer.concat([bytes, Buffer.alloc(1)]));
      assert.equal(tryDecryptBytes(key, longer, data), undefined);
      const text = encrypted[field];
      for (const other of [`${text}=`, `${text}\n`, ` ${text}`, `*${text}`, `${text}.`]) {
        assert.equal(
          tryDecryptBytes(key, { ...encrypted, [field]: other }, data),
          undefined,
          other,
        );
      }
    });

    it(`is refused if a bit behind the last byte of its ${field} is set`, () => {
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const text = encrypted[field];
      const bytes = Buffer.from(text, "base64url");
      for (const letter of alphabet) {
        const other = text.slice(0, -1) + letter;
        if (other === text) continue;
        const isSameBytes = Buffer.from(other, "base64url").equals(bytes);
        const result = tryDecryptBytes(key, { ...encrypted, [field]: other }, data);
        assert.equal(result, undefined, `${other} ${isSameBytes}`);
      }
    });
  }

  it("is refused if its tag is a valid tag of fewer bytes", () => {
    for (const length of [4, 8, 12, 13, 14, 15]) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: length });
      cipher.setAAD(data);
      const bytes = Buffer.concat([cipher.update(clear), cipher.final()]);
      const cut: Encrypted = {
        nonce: nonce.toString("base64url"),
        bytes: bytes.toString("base64url"),
        tag: cipher.getAuthTag().toString("base64url"),
      };
      assert.equal(tryDecryptBytes(key, cut, data), undefined, `${length}`);
    }
  });

  it("never has a nonce twice", () => {
    const nonces = Array.from({ length: 10_000 }, () => encryptBytes(key, clear, data).nonce);
    assert.equal(new Set(nonces).size, nonces.length);
  });
});

describe("additional data", () => {
  it("is another for other fields, wherever one field ends and the next begins", () => {
    const lists = [
      ...[[], [""], ["", ""], ["ab"], ["a", "b"], ["", "ab"], ["ab", ""], ["b", "a"], ["a\u0000b"]],
      ...[
        ["a\u0000", "b"],
        ["a", "\u0000b"],
        ["\u0000\u0000\u0000\u0001a"],
        ["a,b"],
        ["ä"],
        ["a\u0308"],
      ],
    ];
    const texts = lists.map((fields) => additionalDataOf(fields).toString("hex"));
    assert.equal(new Set(texts).size, lists.length);
  });

  it("is not made of text that has no bytes of its own", () => {
    for (const field of ["\ud800", "a\udc00", "\ud800\ud800"]) {
      assert.throws(() => additionalDataOf(["a", field]), RangeError);
    }
    assert.equal(additionalDataOf(["\u{1F512}"]).length, 8);
  });
});
