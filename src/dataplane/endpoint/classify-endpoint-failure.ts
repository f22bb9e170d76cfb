import type { EndpointFailure } from "#model/outcome.ts";
import type { WireFailure } from "../wire/wire.ts";

const BY_CODE: Readonly<Record<string, EndpointFailure>> = {
  ECONNREFUSED: "refused",
  // A unix endpoint whose socket nobody listens on, or that is not there.
  ENOENT: "refused",
  // The queue of a unix endpoint is full. Bun says ECONNREFUSED.
  EAGAIN: "refused",
  ETIMEDOUT: "timeout",
  ECONNRESET: "reset",
  EPIPE: "reset",
  EMFILE: "no-open-files",
  ENFILE: "no-open-files",
  ENOTFOUND: "name-not-found",
  EAI_AGAIN: "name-not-found",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrong-name",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
};

const UNTRUSTED =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|INVALID_CA|PATH_LENGTH_|INVALID_PURPOSE)/;

/** Names why an endpoint could not be used, from the engine's code. */
export function classifyEndpointFailure(
  failure: WireFailure | undefined,
  isTls: boolean,
): EndpointFailure {
  const code = failure?.code ?? "ECONNRESET";
  const named = BY_CODE[code];
  if (isTls && (named === "reset" || named === undefined))
    return UNTRUSTED.test(code) ? "untrusted" : "tls-failed";
  return named ?? "unreachable";
}

/** Whether it says something of the endpoint: what the director lacks itself must not take an endpoint out. */
export const isEndpointsFault = (failure: EndpointFailure): boolean =>
  failure !== "no-open-files" && failure !== "busy";
