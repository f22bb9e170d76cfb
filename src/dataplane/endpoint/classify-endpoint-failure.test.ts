import assert from "node:assert/strict";
import { it } from "node:test";
import { isEndpointsFault } from "#model/records/outcome.ts";
import type { WireFailure } from "../wire/wire.ts";
import { classifyEndpointFailure } from "./classify-endpoint-failure.ts";

type PlainKind = Exclude<WireFailure["kind"], "alert" | "tls" | "verify">;

const nameOf = (kind: PlainKind, isTls = false): string =>
  classifyEndpointFailure({ kind, detail: "" }, isTls);

it("names the failure of a connect", () => {
  assert.equal(nameOf("refused"), "refused");
  assert.equal(nameOf("timeout"), "timeout");
  assert.equal(nameOf("reset"), "reset");
  assert.equal(nameOf("name-not-found"), "name-not-found");
  assert.equal(nameOf("unreachable"), "unreachable");
  assert.equal(nameOf("other"), "unreachable");
  assert.equal(classifyEndpointFailure(undefined, false), "reset");
});

it("names the failure of TLS", () => {
  const verifyNameOf = (reason: Extract<WireFailure, { kind: "verify" }>["reason"]): string =>
    classifyEndpointFailure({ kind: "verify", reason, detail: "" }, true);
  assert.equal(verifyNameOf("wrong-name"), "wrong-name");
  assert.equal(verifyNameOf("expired"), "expired");
  for (const reason of ["untrusted", "revoked", "crl-expired"] as const)
    assert.equal(verifyNameOf(reason), "untrusted");
  const broken: WireFailure = { kind: "tls", reason: "protocol-error", detail: "" };
  assert.equal(classifyEndpointFailure(broken, true), "tls-failed");
  for (const kind of ["reset", "closed", "unreachable", "other"] as const)
    assert.equal(nameOf(kind, true), "tls-failed");
  assert.equal(nameOf("timeout", true), "timeout");
});

it("does not blame an endpoint for a lack of resources in the director", () => {
  assert.equal(
    isEndpointsFault(classifyEndpointFailure({ kind: "no-open-files", detail: "" }, false)),
    false,
  );
  assert.equal(isEndpointsFault("busy"), false);
  assert.equal(isEndpointsFault("refused"), true);
});
