import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientHello } from "./client-hello.ts";
import { ja4Of } from "./ja4.ts";

/** The example of FoxIO's JA4 technical details. */
const hello: ClientHello = {
  serverName: "example.com",
  otherName: undefined,
  alpn: ["h2", "http/1.1"],
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
    0x009d, 0x002f, 0x0035,
  ],
  groups: [],
  signatureSchemes: [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
  certificateSchemes: [],
  hasSessionTicket: false,
  extensionTypes: [
    0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
    0xff01, 0x000b, 0x000a, 0x0015,
  ],
};

describe("ja4Of", () => {
  it("returns the fingerprint of the definition's example", () => {
    assert.equal(ja4Of(hello), "t13d1516h2_8daaf6152771_e5627efa2ab1");
  });

  it("does not depend on the order of suites and extensions, but on that of signature schemes", () => {
    const reordered = {
      ...hello,
      cipherSuites: hello.cipherSuites.toReversed(),
      extensionTypes: hello.extensionTypes.toReversed(),
    };
    assert.equal(ja4Of(reordered), ja4Of(hello));
    const schemes = { ...hello, signatureSchemes: hello.signatureSchemes.toReversed() };
    assert.notEqual(ja4Of(schemes), ja4Of(hello));
  });

  it("says what is missing", () => {
    const bare = { ...hello, alpn: [], cipherSuites: [], extensionTypes: [], versions: [0x0303] };
    assert.equal(ja4Of(bare), "t12i000000_000000000000_000000000000");
    assert.match(ja4Of({ ...hello, alpn: ["\xab\xcd"] }), /^t13d1516ad_/);
  });

  it("leaves signature schemes out if there are none", () => {
    const { signatureSchemes: _, ...rest } = hello;
    const ja4 = ja4Of({ ...rest, signatureSchemes: [] });
    assert.match(ja4, /^t13d1516h2_8daaf6152771_[0-9a-f]{12}$/);
  });
});
