import assert from "node:assert/strict";
import { it } from "node:test";
import { nameFailure, nameListenFailure } from "./name-failure.ts";
import { tryNativeFailure } from "./bun/tls-facts.ts";

/** Returns the kind of a code, with its reason or alert. */
function kindOf(code: string, message = ""): string {
  const failure = nameFailure({ code, message });
  assert.equal(failure.detail, code);
  if ("reason" in failure) return `${failure.kind} ${failure.reason}`;
  return "alert" in failure ? `alert ${failure.alert}` : failure.kind;
}

it("names the errors of the system", () => {
  assert.equal(kindOf("ECONNRESET"), "reset");
  assert.equal(kindOf("EPIPE"), "reset");
  for (const code of ["ECONNREFUSED", "ENOENT", "EAGAIN"]) assert.equal(kindOf(code), "refused");
  for (const code of ["EHOSTUNREACH", "ENETUNREACH"]) assert.equal(kindOf(code), "unreachable");
  for (const code of ["ENOTFOUND", "EAI_AGAIN"]) assert.equal(kindOf(code), "name-not-found");
  for (const code of ["EMFILE", "ENFILE"]) assert.equal(kindOf(code), "no-open-files");
  assert.equal(kindOf("ETIMEDOUT"), "timeout");
  assert.equal(kindOf("EADDRNOTAVAIL"), "other");
  assert.equal(kindOf("ERR_STREAM_DESTROYED"), "other");
  assert.deepEqual(nameFailure({}), { kind: "other", detail: "UNKNOWN" });
});

it("distinguishes a FIN during the handshake from a reset, for which Bun uses the same code", () => {
  assert.equal(kindOf("ECONNRESET", "socket hang up"), "closed");
  assert.equal(kindOf("ECONNRESET", "read ECONNRESET"), "reset");
});

it("names alerts, including one that BoringSSL cannot read", () => {
  assert.equal(kindOf("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"), "alert unknown_ca");
  assert.equal(kindOf("ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE"), "alert bad_certificate");
  assert.equal(kindOf("ERR_SSL_BAD_PACKET_LENGTH"), "alert undefined");
  assert.equal(kindOf("ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG"), "alert undefined");
});

it("names failures of TLS and faults of a certificate", () => {
  assert.equal(kindOf("ERR_SSL_WRONG_CURVE"), "tls no-shared-cipher");
  assert.equal(kindOf("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"), "tls no-certificate");
  assert.equal(kindOf("ERR_SSL_WRONG_VERSION_NUMBER"), "tls protocol-error");
  assert.equal(kindOf("ERR_TLS_HANDSHAKE_TIMEOUT"), "tls protocol-error");
  assert.equal(kindOf("ERR_TLS_CERT_ALTNAME_INVALID"), "verify wrong-name");
  assert.equal(kindOf("CERT_REVOKED"), "verify revoked");
  assert.equal(kindOf("CERT_NOT_YET_VALID"), "verify expired");
  assert.equal(kindOf("CRL_HAS_EXPIRED"), "verify crl-expired");
  assert.equal(kindOf("UNABLE_TO_GET_CRL"), "verify crl-missing");
  for (const code of ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "INVALID_PURPOSE", "CERT_UNTRUSTED"])
    assert.equal(kindOf(code), "verify untrusted");
});

it("finds BoringSSL's reason in the error text of Bun's own sockets", () => {
  const message = "error:100000b8:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER";
  const named = { kind: "tls", reason: "no-shared-cipher", detail: "ERR_SSL_NO_SHARED_CIPHER" };
  assert.deepEqual(tryNativeFailure(Object.assign(new Error(message), { code: "EPROTO" })), named);
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  assert.deepEqual(tryNativeFailure(reset), { kind: "reset", detail: "ECONNRESET" });
  assert.equal(tryNativeFailure(null), undefined);
});

it("names why an address cannot be listened on, with the engine's text as its detail", () => {
  const refused = (code: string): unknown[] => {
    const { code: name, detail } = nameListenFailure(Object.assign(new Error("listen"), { code }));
    return [name, detail];
  };
  assert.deepEqual(refused("EADDRINUSE"), ["address-in-use", "listen"]);
  assert.deepEqual(refused("EPERM"), ["address-not-permitted", "listen"]);
  assert.deepEqual(refused("EINVAL"), ["listener-unusable", "listen"]);
});
