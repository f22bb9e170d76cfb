import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "#model/document/policy.ts";
import type { TlsFailureReason, VerifyFailureReason, WireFailure } from "../wire/wire.ts";
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
  extensionTypes: [],
};

const nameOf = (failure: WireFailure | undefined, change: Partial<ClientHello> = {}): string =>
  classifyHandshakeFailure({ ...HELLO, ...change }, PRESETS.intermediate, failure).failure;

const tls = (reason: TlsFailureReason): WireFailure => ({ kind: "tls", reason, detail: "" });
const alertOf = (alert: string | undefined): WireFailure => ({ kind: "alert", alert, detail: "" });

describe("classifyHandshakeFailure", () => {
  it("names an alert, and recognises those that reject the certificate", () => {
    assert.deepEqual(classifyHandshakeFailure(HELLO, PRESETS.modern, alertOf("unknown_ca")), {
      failure: "client-rejected-certificate",
      alert: "unknown_ca",
    });
    assert.equal(nameOf(alertOf("internal_error")), "client-alert");
  });

  it("treats an alert that the engine cannot read as a rejection of the certificate", () => {
    assert.deepEqual(classifyHandshakeFailure(HELLO, PRESETS.modern, alertOf(undefined)), {
      failure: "client-rejected-certificate",
      alert: "unknown",
    });
  });

  it("returns what the client and the policy do not share, whatever code the engine reports", () => {
    const broken = tls("protocol-error");
    assert.equal(nameOf(broken, { versions: [0x0302] }), "unsupported-version");
    assert.equal(
      nameOf(broken, { versions: [0x0303], cipherSuites: [0x002f] }),
      "no-shared-cipher",
    );
    assert.equal(nameOf(broken, { groups: [0x0019] }), "no-shared-group");
    assert.equal(nameOf(tls("too-large"), { groups: [0x0019] }), "too-large");
  });

  it("names the fault of a client certificate, with the engine's code as detail", () => {
    const verify = (reason: VerifyFailureReason): string =>
      nameOf({ kind: "verify", reason, detail: "" });
    assert.equal(verify("revoked"), "revoked-client-certificate");
    assert.equal(verify("expired"), "expired-client-certificate");
    assert.equal(verify("crl-expired"), "expired-client-certificate");
    assert.equal(verify("untrusted"), "untrusted-client-certificate");
    assert.equal(verify("crl-missing"), "untrusted-client-certificate");
    assert.equal(nameOf(tls("no-certificate")), "no-client-certificate");
    const revoked: WireFailure = { kind: "verify", reason: "revoked", detail: "CERT_REVOKED" };
    assert.equal(classifyHandshakeFailure(HELLO, PRESETS.modern, revoked).detail, "CERT_REVOKED");
  });

  it("distinguishes a reset, a close and a protocol error", () => {
    assert.equal(nameOf({ kind: "reset", detail: "" }), "reset");
    assert.equal(nameOf({ kind: "closed", detail: "" }), "closed");
    assert.equal(nameOf(undefined), "closed");
    assert.equal(nameOf(tls("protocol-error")), "protocol-error");
    assert.equal(nameOf({ kind: "other", detail: "" }), "protocol-error");
  });
});
