/** Names the failures that the system and the engines report. Only wire/ depends on their codes and texts. */
import { DirectorError, type FailureCode } from "#model/failure.ts";
import type { TlsFailureReason, VerifyFailure, VerifyFailureReason, WireFailure } from "./wire.ts";

/** The fields of an engine's error that are used. */
export interface EngineError {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** The kinds that have no fields of their own. */
type PlainKind = Exclude<WireFailure["kind"], "alert" | "tls" | "verify">;

const PLAIN_KINDS: Readonly<Record<string, PlainKind>> = {
  ECONNRESET: "reset",
  EPIPE: "reset",
  ECONNREFUSED: "refused",
  // The unix socket does not exist.
  ENOENT: "refused",
  // The accept queue of the unix socket is full. Bun reports ECONNREFUSED instead.
  EAGAIN: "refused",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENOTFOUND: "name-not-found",
  EAI_AGAIN: "name-not-found",
  EMFILE: "no-open-files",
  ENFILE: "no-open-files",
};

const TLS_REASONS: Readonly<Record<string, TlsFailureReason>> = {
  ERR_SSL_NO_SHARED_CIPHER: "no-shared-cipher",
  // In TLS 1.2, BoringSSL treats the curve of the certificate's key as a group (RFC 8422 section 5.1), and OpenSSL as a
  // requirement of the suite.
  ERR_SSL_WRONG_CURVE: "no-shared-cipher",
  ERR_SSL_NO_SHARED_GROUP: "no-shared-group",
  ERR_SSL_NO_SUITABLE_KEY_SHARE: "no-shared-group",
  // No signature scheme of the client works with a key type in TLS 1.3. The first code is of OpenSSL, the second of
  // BoringSSL.
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: "no-shared-signature",
  ERR_SSL_NO_COMMON_SIGNATURE_ALGORITHMS: "no-shared-signature",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "no-shared-alpn",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "unsupported-version",
  ERR_SSL_VERSION_TOO_LOW: "unsupported-version",
  // The message is a ClientHello or a client's certificates.
  ERR_SSL_EXCESSIVE_MESSAGE_SIZE: "too-large",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no-certificate",
};

const VERIFY_REASONS: Readonly<Record<string, VerifyFailureReason>> = {
  CERT_REVOKED: "revoked",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
  CRL_HAS_EXPIRED: "crl-expired",
  CRL_NOT_YET_VALID: "crl-expired",
  UNABLE_TO_GET_CRL: "crl-missing",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrong-name",
};

/** OpenSSL's codes for other faults of a certificate. BoringSSL uses the same codes. */
const VERIFY_ERROR =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|INVALID_PURPOSE|HOSTNAME_)/;

const ALERT = "_ALERT_";

/** Returns the name of the alert in a code such as ERR_SSL_TLSV1_ALERT_UNKNOWN_CA or ERR_SSL_SSL/TLS_ALERT_.... */
function tryAlert(code: string): string | undefined {
  const at = code.indexOf(ALERT);
  const name = at === -1 ? "" : code.slice(at + ALERT.length);
  return /^[A-Z_]+$/.test(name) ? name.toLowerCase() : undefined;
}

/**
 * Whether the code means an alert of unknown number. BoringSSL reads an alert that an OpenSSL client sends in plaintext
 * as an encrypted record, and loses its number.
 */
const isUnreadAlert = (code: string): boolean =>
  code === "ERR_SSL_BAD_PACKET_LENGTH" || code === "ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG";

/**
 * Whether the error means a FIN during the handshake. Bun's node:tls reports it with the code of a reset and this
 * message.
 */
const isHangUp = ({ code, message }: EngineError): boolean =>
  code === "ECONNRESET" && message === "socket hang up";

/**
 * Names a failure by the codes of node:net and node:tls. Except for the cases above, both engines use the same codes.
 */
export function nameFailure(error: EngineError): WireFailure {
  const detail = error.code ?? "UNKNOWN";
  if (isHangUp(error)) return { kind: "closed", detail };
  const plain = PLAIN_KINDS[detail];
  if (plain !== undefined) return { kind: plain, detail };
  const alert = tryAlert(detail);
  if (alert !== undefined || isUnreadAlert(detail)) return { kind: "alert", alert, detail };
  if (VERIFY_REASONS[detail] !== undefined || VERIFY_ERROR.test(detail))
    return nameVerifyError(detail);
  if (/^ERR_(SSL|TLS)/.test(detail))
    return { kind: "tls", reason: TLS_REASONS[detail] ?? "protocol-error", detail };
  return { kind: "other", detail };
}

/** Names the engine's verdict on a certificate. */
export const nameVerifyError = (code: string): VerifyFailure => ({
  kind: "verify",
  reason: VERIFY_REASONS[code] ?? "untrusted",
  detail: code,
});

const LISTEN_FAILURES: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-available",
  // The kernel has no IPv6.
  EAFNOSUPPORT: "address-not-available",
  EACCES: "address-not-permitted",
  EPERM: "address-not-permitted",
};

/** Names why an address cannot be listened on. */
export function nameListenFailure(cause: unknown): DirectorError {
  const { code, message } = cause as EngineError;
  return new DirectorError(LISTEN_FAILURES[code ?? ""] ?? "listener-unusable", message, { cause });
}
