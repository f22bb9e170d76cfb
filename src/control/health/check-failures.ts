/** Names the failures of checks by the codes of the engine. */
import { errorCodeOf } from "#model/error-code.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import { AddressNotAllowed } from "./check-lookups.ts";
import { failed, untried, type CheckResult, type Untried } from "./check-result.ts";

/** Errors of the director itself, which lacks descriptors, memory or ports. They say nothing about the endpoint. */
const OWN_FAILURES: Readonly<Record<string, string>> = {
  EMFILE: "its process has no file descriptor left (EMFILE)",
  ENFILE: "the machine has no file descriptor left (ENFILE)",
  ENOMEM: "the kernel has no memory for a connection (ENOMEM)",
  ENOBUFS: "the kernel has no memory for a connection (ENOBUFS)",
  EAGAIN: "the machine has no port left for a connection, or the unix socket is busy (EAGAIN)",
  EADDRNOTAVAIL: "this machine has no address or port from which to connect (EADDRNOTAVAIL)",
};

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

export function connectFailureOf(error: Error): CheckResult | Untried {
  if (error instanceof AddressNotAllowed) return untried(error.message);
  const code = errorCodeOf(error) ?? "";
  const own = OWN_FAILURES[code];
  return own === undefined ? failed(CONNECT_FAILURES[code] ?? "unreachable") : untried(own);
}

export function tlsFailureOf(error: Error): CheckResult {
  const code = errorCodeOf(error) ?? "";
  const known = VERIFY_FAILURES[code];
  if (known !== undefined) return failed(known);
  return failed(UNTRUSTED.test(code) ? "untrusted" : "tls-failed");
}
