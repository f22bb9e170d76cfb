import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf } from "#harness/parsed-heads.ts";
import { FIELD, fieldOf } from "./field-names.ts";

const kindOf = (name: string): string | undefined => {
  const bytes = bytesOf(`..${name}..`);
  const kind = fieldOf(bytes, 2, 2 + name.length);
  return Object.entries(FIELD).find(([, id]) => id === kind)?.[0];
};

const GROUPS = ["forwardedPrefix", "clientCertPrefix", "tlsPrefix", "ja4Prefix", "framingAlias"];

describe("a field name", () => {
  it("has a kind of its own, in any case of its letters", () => {
    const keys = Object.keys(FIELD).filter((key) => !GROUPS.includes(key));
    assert.equal(new Set(Object.values(FIELD)).size, keys.length + GROUPS.length);
    for (const key of keys) {
      const name = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      assert.equal(kindOf(name), key);
      assert.equal(kindOf(name.toUpperCase()), key);
      assert.equal(kindOf(`${name}x`) === key, false);
      assert.equal(kindOf(name.slice(0, -1)) === key, false);
      assert.equal(kindOf(name.replace(/[a-z]/, "~")) === key, false);
    }
  });

  const CASES: readonly (readonly [kind: string | undefined, ...names: readonly string[]])[] = [
    ["http2Settings", "HTTP2-Settings"],
    ["xForwardedFor", "X-Forwarded-For", "x_forwarded_for", "X_FORWARDED-FOR"],
    [
      "forwardedPrefix",
      "X-Forwarded-By",
      "x_forwarded_prefix",
      "X-Forwarded",
      "x-forwarded-for-x",
      "X-Forwarded-Port2",
    ],
    ["xRealIp", "X_Real_IP"],
    ["xRequestId", "x-request_id"],
    ["clientCert", "Client_Cert"],
    ["clientCertChain", "client_cert-chain"],
    ["clientCertPrefix", "Client-Cert-Sha256", "client_cert_x", "Client-Certificate"],
    ["tlsPrefix", "X-TLS-Version", "x_tls_cipher"],
    ["ja4Prefix", "X-JA4", "x_ja4_r"],
    ["framingAlias", "Content_Length", "transfer_encoding"],
    ["forwarded", "Forwarded"],
    [
      undefined,
      "X",
      "C",
      "a",
      "X-Tls",
      "X-Forward",
      "Client",
      "Keep_Alive",
      "User_Agent",
      "Hostx",
      "-",
      "_",
      "X-",
    ],
  ];
  for (const [kind, ...names] of CASES) {
    for (const name of names) {
      it(`${name} is ${kind ?? "not known"}`, () => assert.equal(kindOf(name), kind));
    }
  }
});
