import type { EndpointFailure } from "#model/records/outcome.ts";
import type { VerifyFailureReason, WireFailure } from "../wire/wire.ts";

const BY_VERIFY_REASON: Readonly<Record<VerifyFailureReason, EndpointFailure>> = {
  untrusted: "untrusted",
  revoked: "untrusted",
  "crl-expired": "untrusted",
  "crl-missing": "untrusted",
  expired: "expired",
  "wrong-name": "wrong-name",
};

/** Returns why an endpoint could not be used. `isTls` says whether the TLS handshake had started. */
export function classifyEndpointFailure(
  failure: WireFailure | undefined,
  isTls: boolean,
): EndpointFailure {
  if (failure === undefined) return isTls ? "tls-failed" : "reset";
  switch (failure.kind) {
    case "refused":
    case "timeout":
    case "name-not-found":
    case "no-open-files":
      return failure.kind;
    case "reset":
    case "closed":
      return isTls ? "tls-failed" : "reset";
    case "unreachable":
    case "other":
      return isTls ? "tls-failed" : "unreachable";
    case "alert":
    case "tls":
      return "tls-failed";
    case "verify":
      return BY_VERIFY_REASON[failure.reason];
    default:
      return failure satisfies never;
  }
}
