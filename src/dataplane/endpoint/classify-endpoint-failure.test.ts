import assert from "node:assert/strict";
import { it } from "node:test";
import { classifyEndpointFailure, isEndpointsFault } from "./classify-endpoint-failure.ts";

const nameOf = (code: string, isTls = false): string =>
  classifyEndpointFailure({ code, detail: "" }, isTls);

it("names what happened to a connect", () => {
  assert.equal(nameOf("ECONNREFUSED"), "refused");
  assert.equal(nameOf("ENOENT"), "refused");
  assert.equal(nameOf("EAGAIN"), "refused");
  assert.equal(nameOf("ETIMEDOUT"), "timeout");
  assert.equal(nameOf("ECONNRESET"), "reset");
  assert.equal(nameOf("ENOTFOUND"), "name-not-found");
  assert.equal(nameOf("EAI_AGAIN"), "name-not-found");
  assert.equal(nameOf("EHOSTUNREACH"), "unreachable");
  assert.equal(nameOf("ENETUNREACH"), "unreachable");
  assert.equal(classifyEndpointFailure(undefined, false), "reset");
});

it("names what happened to TLS", () => {
  assert.equal(nameOf("ERR_TLS_CERT_ALTNAME_INVALID", true), "wrong-name");
  assert.equal(nameOf("CERT_HAS_EXPIRED", true), "expired");
  assert.equal(nameOf("CERT_NOT_YET_VALID", true), "expired");
  assert.equal(nameOf("UNABLE_TO_VERIFY_LEAF_SIGNATURE", true), "untrusted");
  assert.equal(nameOf("DEPTH_ZERO_SELF_SIGNED_CERT", true), "untrusted");
  assert.equal(nameOf("INVALID_PURPOSE", true), "untrusted");
  assert.equal(nameOf("ERR_SSL_WRONG_VERSION_NUMBER", true), "tls-failed");
  assert.equal(nameOf("ECONNRESET", true), "tls-failed");
  assert.equal(nameOf("ETIMEDOUT", true), "timeout");
});

it("blames no endpoint for what the director lacks", () => {
  assert.equal(
    isEndpointsFault(classifyEndpointFailure({ code: "EMFILE", detail: "" }, false)),
    false,
  );
  assert.equal(isEndpointsFault("busy"), false);
  assert.equal(isEndpointsFault("refused"), true);
});
