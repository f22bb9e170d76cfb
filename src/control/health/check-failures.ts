/** Names the failures of checks by the codes of the engine. */
import { errorCodeOf } from "#model/error-code.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import { failed, type CheckResult } from "./check-result.ts";

/** Errors of the director itself, which lacks descriptors, memory or ports. They say nothing about the endpoint. */
const OWN_FAILURES: ReadonlySet<unknown> = new Set([
  ...["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EADDRNOTAVAIL"],
]);

const CONNECT_FAILURES: Readonly<Record<string, EndpointFailure>> = {
  ECONNREFUSED: "refused",
  // A unix socket that does not exist.
  ENOENT: "refused",
  ECONNRESET: "reset",
  ENOTFOUND: "name-not-found",
  EAI_AGAIN: "name-not-found",
  ETIMEDOUT: "timeout",
};

const VERIFY_FAILURES: Readonly<Record<string, EndpointFailure>> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrong-name",
};
/** OpenSSL's codes for other faults of a certificate. */
const UNTRUSTED =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|INVALID_PURPOSE|HOSTNAME_)/;

/** Returns undefined if the director is at fault. */
export function tryConnectFailure(error: Error): CheckResult | undefined {
  const code = errorCodeOf(error);
  if (OWN_FAILURES.has(code)) return undefined;
  return failed(CONNECT_FAILURES[code ?? ""] ?? "unreachable");
}

export function tlsFailureOf(error: Error): CheckResult {
  const code = errorCodeOf(error) ?? "";
  const known = VERIFY_FAILURES[code];
  if (known !== undefined) return failed(known);
  return failed(UNTRUSTED.test(code) ? "untrusted" : "tls-failed");
}
