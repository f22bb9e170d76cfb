import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { describe, it } from "node:test";
import { assertNoTraces, keyTraces, textTraces } from "./key-traces.ts";
import { keyPairOf, privateKeyPem, type KeyType } from "./test-keys.ts";

const others = Array.from({ length: 20 }, (_, at) => [`text ${at}`, "nothing"] as const);

function isFound(text: string, traces: readonly string[]): boolean {
  try {
    assertNoTraces(new Map([...others, ["text", text]]), traces);
    return false;
  } catch (error) {
    assert.match(String(error), /text shows a part of a secret/);
    return true;
  }
}

describe("traces of a private key", () => {
  for (const type of ["ecdsa", "ecdsa-p521", "ed25519", "rsa"] as readonly KeyType[]) {
    it(`are found in every form of it, and not in its public key (${type})`, async () => {
      const keys = await keyPairOf(type);
      const pem = privateKeyPem(keys);
      const traces = keyTraces(pem);
      const key = createPrivateKey(pem);
      const der = key.export({ type: "pkcs8", format: "der" });
      const { d = "", p = d } = key.export({ format: "jwk" });
      const number = Buffer.from(p, "base64url");
      const forms = [
        ...[pem, pem.split("\n").slice(1, -2).join(""), JSON.stringify({ pem }), d, p],
        ...[der.toString("hex"), der.toString("latin1"), der.toString("hex").toUpperCase()],
        ...[JSON.stringify(der), number.toString("base64"), number.toString("hex")],
        ...["", "a", "ab", "abc"].flatMap((before) => {
          const bytes = Buffer.concat([Buffer.from(before), der, Buffer.from("behind")]);
          const text = bytes.toString("base64");
          return [text, text.replaceAll(/.{64}/g, "$&\n"), bytes.toString("base64url")];
        }),
      ];
      for (const [at, form] of forms.entries()) assert.ok(isFound(form, traces), `form ${at}`);
      const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
      for (const name of ["base64", "hex", "latin1"] as const) {
        assert.ok(!isFound(Buffer.from(spki).toString(name), traces), name);
      }
    });
  }
});

describe("traces of a text", () => {
  it("are found in base64 at each alignment, in hex, in a URL and in a list of bytes", () => {
    const secret = "correct horse/battery";
    const traces = textTraces(secret);
    for (const before of ["", "a", "ab"]) {
      const bytes = Buffer.from(`${before}${secret}behind`);
      for (const name of ["base64", "base64url", "hex", "utf8"] as const) {
        assert.ok(isFound(bytes.toString(name), traces), `${before} ${name}`);
      }
    }
    assert.ok(isFound(`?p=${encodeURIComponent(secret)}`, traces));
    assert.ok(isFound(JSON.stringify(Buffer.from(secret)), traces));
    assert.ok(!isFound("correct horse", traces));
  });

  it("cannot be asked for if the text is so short that it occurs by chance", () => {
    assert.throws(() => textTraces("short"));
  });
});
