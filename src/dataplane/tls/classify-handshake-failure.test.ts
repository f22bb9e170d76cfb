import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "#model/policy.ts";
import { classifyHandshakeFailure } from "./classify-handshake-failure.ts";
import type { ClientHello } from "./client-hello.ts";

const HELLO: ClientHello = {
  serverName: undefined,
  otherName: undefined,
  alpn: [],
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0xc02b],
  groups: [0x001d],
  signatureSchemes: [0x0403],
  certificateSchemes: [0x0403],
  hasSessionTicket: false,
};

const failureOf = (code: string | undefined, change: Partial<ClientHello> = {}): string =>
  classifyHandshakeFailure(
    { ...HELLO, ...change },
    PRESETS.intermediate,
    code === undefined ? undefined : { code, detail: "" },
  ).failure;

describe("classifyHandshakeFailure", () => {
  it("names an alert, and tells those that reject the certificate", () => {
    assert.deepEqual(
      classifyHandshakeFailure(HELLO, PRESETS.modern, {
        code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
        detail: "",
      }),
      { failure: "client-rejected-certificate", alert: "unknown_ca" },
    );
    assert.equal(failureOf("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"), "client-alert");
  });

  it("knows the plaintext alert that Bun cannot read", () => {
    assert.deepEqual(
      classifyHandshakeFailure(HELLO, PRESETS.modern, {
        code: "ERR_SSL_BAD_PACKET_LENGTH",
        detail: "",
      }),
      { failure: "client-rejected-certificate", alert: "unknown" },
    );
  });

  it("says what the client and the policy do not share, whatever the engine calls it", () => {
    assert.equal(failureOf("ERR_SSL_ANYTHING", { versions: [0x0302] }), "unsupported-version");
    assert.equal(
      failureOf("ERR_SSL_ANYTHING", { versions: [0x0303], cipherSuites: [0x002f] }),
      "no-shared-cipher",
    );
    assert.equal(failureOf("ERR_SSL_ANYTHING", { groups: [0x0019] }), "no-shared-group");
  });

  it("names what OpenSSL says of a client certificate", () => {
    assert.equal(failureOf("CERT_REVOKED"), "revoked-client-certificate");
    assert.equal(failureOf("CERT_HAS_EXPIRED"), "expired-client-certificate");
    assert.equal(failureOf("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "untrusted-client-certificate");
    assert.equal(failureOf("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"), "no-client-certificate");
  });

  it("tells a reset from a close, and both from a broken protocol", () => {
    assert.equal(failureOf("ECONNRESET"), "reset");
    assert.equal(failureOf(undefined), "closed");
    const hungUp = { code: "ECONNRESET", detail: "socket hang up" };
    assert.equal(classifyHandshakeFailure(HELLO, PRESETS.modern, hungUp).failure, "closed");
    assert.equal(failureOf("ERR_SSL_WRONG_VERSION_NUMBER"), "protocol-error");
  });
});
