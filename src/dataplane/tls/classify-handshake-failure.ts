import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import type { TlsHandshakeFailure } from "#model/records/outcome.ts";
import type { ResolvedPolicy, TlsVersion } from "#model/document/policy.ts";
import type { TlsFailureReason, VerifyFailureReason, WireFailure } from "../wire/wire.ts";
import type { ClientHello } from "./client-hello.ts";
import { sharedGroupOf } from "./shared-group.ts";

const VERSION_CODES = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 } as const satisfies Record<
  TlsVersion,
  number
>;

export interface NamedFailure {
  readonly failure: TlsHandshakeFailure;
  readonly alert?: string;
  readonly detail?: string;
}

/** The alerts by which a client rejects a certificate (RFC 8446 section 6.2). */
const CERTIFICATE_ALERTS = new Set([
  "bad_certificate",
  "unsupported_certificate",
  "certificate_revoked",
  "certificate_expired",
  "certificate_unknown",
  "unknown_ca",
]);

const BY_TLS_REASON: Readonly<Record<TlsFailureReason, TlsHandshakeFailure>> = {
  "no-shared-cipher": "no-shared-cipher",
  "no-shared-group": "no-shared-group",
  "no-shared-signature": "no-shared-signature",
  "no-shared-alpn": "no-shared-alpn",
  "unsupported-version": "unsupported-version",
  "too-large": "too-large",
  "no-certificate": "no-client-certificate",
  "protocol-error": "protocol-error",
};

const BY_VERIFY_REASON: Readonly<Record<VerifyFailureReason, TlsHandshakeFailure>> = {
  untrusted: "untrusted-client-certificate",
  "wrong-name": "untrusted-client-certificate",
  expired: "expired-client-certificate",
  "crl-expired": "expired-client-certificate",
  // If the chain ends in a CA of the policy, connection/handshake.ts reports the missing list instead.
  "crl-missing": "untrusted-client-certificate",
  revoked: "revoked-client-certificate",
};

export const nameVerifyFailure = (reason: VerifyFailureReason): TlsHandshakeFailure =>
  BY_VERIFY_REASON[reason];

const isShared = (version: TlsVersion, hello: ClientHello, policy: ResolvedPolicy): boolean =>
  version >= policy.minVersion &&
  version <= policy.maxVersion &&
  hello.versions.includes(VERSION_CODES[version]);

/** Whether the client offers a version that the policy allows. */
export const sharesVersion = (hello: ClientHello, policy: ResolvedPolicy): boolean =>
  isShared("TLSv1.3", hello, policy) || isShared("TLSv1.2", hello, policy);

/** Returns what the client and the policy do not have in common, or undefined if the policy can serve the client. */
function mismatchOf(hello: ClientHello, policy: ResolvedPolicy): TlsHandshakeFailure | undefined {
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

function classifyAlert(alert: string | undefined): NamedFailure {
  // The engine cannot read an alert that was sent in plaintext. Clients send one in plaintext when they reject the
  // certificate.
  if (alert === undefined) return { failure: "client-rejected-certificate", alert: "unknown" };
  const isOfCertificate = CERTIFICATE_ALERTS.has(alert);
  return { failure: isOfCertificate ? "client-rejected-certificate" : "client-alert", alert };
}

/**
 * Returns why a handshake failed, from what the client offered and what the engine reports. `certificateMismatch` is
 * why the client could not verify the selected certificate, if that is known.
 */
export function classifyHandshakeFailure(
  hello: ClientHello,
  policy: ResolvedPolicy,
  failure: WireFailure | undefined,
  certificateMismatch?: TlsHandshakeFailure,
): NamedFailure {
  if (failure === undefined) return { failure: "closed" };
  const { kind, detail } = failure;
  switch (kind) {
    case "closed":
    case "reset":
      return { failure: kind };
    case "alert":
      return classifyAlert(failure.alert);
    case "verify":
      return { failure: nameVerifyFailure(failure.reason), detail };
    case "tls":
    case "refused":
    case "unreachable":
    case "timeout":
    case "name-not-found":
    case "no-open-files":
    case "other": {
      const named = kind === "tls" ? BY_TLS_REASON[failure.reason] : "protocol-error";
      if (named === "too-large") return { failure: named, detail };
      return { failure: mismatchOf(hello, policy) ?? certificateMismatch ?? named, detail };
    }
    default:
      return failure satisfies never;
  }
}
