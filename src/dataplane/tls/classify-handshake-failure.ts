import { tryCipherSuite } from "#model/cipher-suites.ts";
import type { HandshakeFailure } from "#model/outcome.ts";
import type { ResolvedPolicy, TlsVersion } from "#model/policy.ts";
import type { WireFailure } from "../wire/wire.ts";
import type { ClientHello } from "./client-hello.ts";
import { sharedGroupOf } from "./shared-group.ts";

const VERSION_CODES = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 } as const satisfies Record<
  TlsVersion,
  number
>;

export interface NamedFailure {
  readonly failure: HandshakeFailure;
  readonly alert?: string;
  readonly detail?: string;
}

/** Alerts of RFC 8446 section 6.2 that say that the certificate was not taken. */
const CERTIFICATE_ALERTS = new Set([
  "bad_certificate",
  "unsupported_certificate",
  "certificate_revoked",
  "certificate_expired",
  "certificate_unknown",
  "unknown_ca",
]);

/** Engine codes that name a cause by themselves. */
const BY_CODE: Readonly<Record<string, HandshakeFailure>> = {
  ERR_SSL_NO_SHARED_CIPHER: "no-shared-cipher",
  ERR_SSL_NO_SHARED_GROUP: "no-shared-group",
  ERR_SSL_NO_SUITABLE_KEY_SHARE: "no-shared-group",
  // Bun: in TLS 1.2 the groups are those of the certificate's key too (RFC 8422 section 5.1). Node counts it to the suites.
  ERR_SSL_WRONG_CURVE: "no-shared-cipher",
  // TLS 1.3, where no suite goes with a key type: Node and Bun.
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: "no-shared-signature",
  ERR_SSL_NO_COMMON_SIGNATURE_ALGORITHMS: "no-shared-signature",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "unsupported-version",
  ERR_SSL_VERSION_TOO_LOW: "unsupported-version",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "no-shared-alpn",
  // A ClientHello, or the certificates of a client.
  ERR_SSL_EXCESSIVE_MESSAGE_SIZE: "too-large",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no-client-certificate",
  ECONNRESET: "reset",
  EPIPE: "reset",
};

const isShared = (version: TlsVersion, hello: ClientHello, policy: ResolvedPolicy): boolean =>
  version >= policy.minVersion &&
  version <= policy.maxVersion &&
  hello.versions.includes(VERSION_CODES[version]);

/** Whether the client speaks a version that the policy allows. */
export const sharesVersion = (hello: ClientHello, policy: ResolvedPolicy): boolean =>
  isShared("TLSv1.3", hello, policy) || isShared("TLSv1.2", hello, policy);

/** What the client and the policy do not have in common, if that is so. */
function mismatchOf(hello: ClientHello, policy: ResolvedPolicy): HandshakeFailure | undefined {
  const hasTls13 = isShared("TLSv1.3", hello, policy);
  if (!sharesVersion(hello, policy)) return "unsupported-version";
  const sharesSuite = policy.cipherSuites.some((name) => {
    const suite = tryCipherSuite(name);
    return (
      suite !== undefined &&
      (suite.version === "TLSv1.3") === hasTls13 &&
      hello.cipherSuites.includes(suite.code)
    );
  });
  if (!sharesSuite) return "no-shared-cipher";
  const version = hasTls13 ? "TLSv1.3" : "TLSv1.2";
  const isWithoutGroup = hello.groups.length > 0 && !sharedGroupOf(hello, policy, version);
  return isWithoutGroup ? "no-shared-group" : undefined;
}

const ALERT = "_ALERT_";

/** The name of the alert in an engine's code, such as ERR_SSL_TLSV1_ALERT_UNKNOWN_CA or ERR_SSL_SSL/TLS_ALERT_.... */
function alertOf(code: string): string | undefined {
  const at = code.indexOf(ALERT);
  const name = at === -1 ? "" : code.slice(at + ALERT.length);
  return /^[A-Z_]+$/.test(name) ? name.toLowerCase() : undefined;
}

/** OpenSSL's verification codes, as both engines give them. */
export function failureOfVerifyError(code: string): HandshakeFailure {
  switch (code) {
    case "CERT_REVOKED":
      return "revoked-client-certificate";
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
    case "CRL_HAS_EXPIRED":
    case "CRL_NOT_YET_VALID":
      return "expired-client-certificate";
    default:
      return "untrusted-client-certificate";
  }
}

const VERIFY_ERROR =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|INVALID_PURPOSE|HOSTNAME_)/;

/**
 * Names why a handshake failed, from what the client offered and what the engine says. `certificateMismatch` is why the
 * client could not verify the certificate that it was shown, where that is so.
 */
export function classifyHandshakeFailure(
  hello: ClientHello,
  policy: ResolvedPolicy,
  failure: WireFailure | undefined,
  certificateMismatch?: HandshakeFailure,
): NamedFailure {
  if (failure === undefined) return { failure: "closed" };
  const { code } = failure;
  // Bun: a FIN in mid-handshake has the code of a reset, with words of its own.
  if (code === "ECONNRESET" && failure.detail === "socket hang up") return { failure: "closed" };
  const alert = alertOf(code);
  if (alert !== undefined) {
    return {
      failure: CERTIFICATE_ALERTS.has(alert) ? "client-rejected-certificate" : "client-alert",
      alert,
    };
  }
  // Bun: an OpenSSL client sends the alert in plaintext where BoringSSL waits for a sealed record, and its number is lost.
  if (code === "ERR_SSL_BAD_PACKET_LENGTH" || code === "ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG") {
    return { failure: "client-rejected-certificate", alert: "unknown" };
  }
  if (VERIFY_ERROR.test(code)) return { failure: failureOfVerifyError(code), detail: code };
  const named = BY_CODE[code];
  if (named === "reset") return { failure: "reset" };
  if (named === "too-large") return { failure: "too-large", detail: code };
  const mismatch = mismatchOf(hello, policy) ?? certificateMismatch;
  return { failure: mismatch ?? named ?? "protocol-error", detail: code };
}
