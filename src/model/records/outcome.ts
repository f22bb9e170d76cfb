/**
 * The ways in which handshakes and connections end. The strings are also metric labels, log fields and names of tests.
 */

/** Failures of a handshake, each with an explanation for operators. */
export const HANDSHAKE_FAILURES = {
  "no-shared-cipher":
    "The client offers no cipher suite that the policy and the certificates allow.",
  "no-shared-group": "The client offers no key exchange group that the policy allows.",
  "no-shared-signature":
    "The client cannot verify a signature of any certificate, because of key type, curve or signature algorithm.",
  "no-shared-alpn":
    "The client offers application protocols (ALPN), but none that the policy lists.",
  "unsupported-version": "The client does not speak a TLS version that the policy allows.",
  "client-rejected-certificate":
    "The client did not accept the certificate. Check that it trusts the CA, and that the name is in the certificate.",
  "no-client-certificate": "The listener requires a client certificate and the client sent none.",
  "untrusted-client-certificate": "The client certificate is not signed by a CA of the policy.",
  "no-crl-for-client-certificate":
    "A CA in the chain of the client certificate has no revocation list in the CRL file of the policy.",
  "expired-client-certificate":
    "The client certificate is not valid at this time, or the CRL has expired.",
  "revoked-client-certificate": "The client certificate is on the revocation list.",
  "not-tls": "The client sent something that is not TLS.",
  "plaintext-http": "The client sent plain HTTP to a TLS port. The answer told it to use https.",
  "bad-proxy-header":
    "This address must send a PROXY protocol header, and did not send a valid one.",
  "unknown-name":
    "The listener has `strictServerName`, and the client sent no server name, or one that no certificate covers, or one of over 255 bytes.",
  "client-alert": "The client ended the handshake with an alert.",
  "protocol-error": "The client violated the TLS protocol.",
  "too-large": "The client's ClientHello, or its certificate, is larger than the engine supports.",
  deadline: "The client did not finish the handshake in time.",
  reset: "The client reset the connection.",
  closed: "The client closed the connection before the handshake was done.",
  "over-limit": "A limit of the vNIC or of the director was reached.",
  "not-allowed":
    "The client's address is in `denyFrom`, or not in `allowFrom`. An egress listener also allows the servers of its profile.",
  drained: "The director was stopping, or the listener was removed.",
  "cut-by-operator": "An operator cut the connection.",
  internal: "The director could not serve the handshake; see its log.",
} as const satisfies Readonly<Record<string, string>>;

export type HandshakeFailure = keyof typeof HANDSHAKE_FAILURES;
export const HANDSHAKE_FAILURE_NAMES = Object.keys(
  HANDSHAKE_FAILURES,
) as readonly HandshakeFailure[];

/** How a client can break off because of the certificate that it was shown. The first are the alerts of RFC 8446 section 6.2. */
export const CERTIFICATE_FAILURES = {
  bad_certificate: "Alert 42: the certificate is damaged, or a signature of its chain is wrong.",
  unsupported_certificate: "Alert 43: the client does not support this type of certificate.",
  certificate_revoked: "Alert 44: the CA has revoked the certificate.",
  certificate_expired: "Alert 45: the certificate is not valid at this time.",
  certificate_unknown: "Alert 46: the client does not accept the certificate for another reason.",
  unknown_ca: "Alert 48: the chain leads to no CA that the client trusts.",
  decrypt_error: "Alert 51: the client could not verify a signature of the handshake.",
  "unreadable-alert":
    "An alert whose number the engine cannot read. Engine bun cannot read one that a client of TLS 1.3 sends in plaintext, as OpenSSL does.",
  "closed-in-handshake":
    "The client closed the connection during the handshake, after it was shown the certificate and without an alert. Clients that verify the name themselves do this with TLS 1.3, and port scanners too.",
  "closed-at-once":
    "The client closed the connection within 2 s after a full handshake, before any byte of data. Clients that verify the name after the handshake do this, and health checks too.",
} as const satisfies Readonly<Record<string, string>>;
export type CertificateFailure = keyof typeof CERTIFICATE_FAILURES;
export const CERTIFICATE_FAILURE_NAMES = Object.keys(
  CERTIFICATE_FAILURES,
) as readonly CertificateFailure[];

/** What failed handshakes can be grouped by. */
export const HANDSHAKE_GROUPINGS = ["cause", "listener", "serverName", "client"] as const;
export type HandshakeGrouping = (typeof HANDSHAKE_GROUPINGS)[number];

/** Excludes `not-allowed`, because a client that is not allowed does not count as a failed handshake. */
export type TlsHandshakeFailure = Exclude<HandshakeFailure, "not-allowed">;

/** Failures that a connection of any mode can have before it is served. The other failures occur only with TLS. */
export const REFUSAL_CAUSES = [
  "not-allowed",
  "over-limit",
  "bad-proxy-header",
  "deadline",
  "reset",
  "closed",
  "drained",
  "cut-by-operator",
  "internal",
] as const satisfies readonly HandshakeFailure[];
export type RefusalCause = (typeof REFUSAL_CAUSES)[number];

/** The limits above which a connection is closed. */
export const OVER_LIMITS = [
  "director-connections",
  "vnic-connections",
  "vnic-handshake-rate",
  "address-handshake-rate",
  "handshake-memory",
] as const;
export type OverLimit = (typeof OVER_LIMITS)[number];

/** Why an endpoint could not be used. */
export const ENDPOINT_FAILURES = {
  refused: "The endpoint refused the connection.",
  timeout: "The endpoint did not accept the connection in time.",
  busy: "The endpoint does not answer, and the client was not allowed to wait: others needed its place, or too many were waiting already.",
  unreachable: "The endpoint cannot be reached.",
  reset: "The endpoint reset the connection while it was being established.",
  "no-open-files": "The director has no open files left.",
  "name-not-found": "The name of the remote host cannot be resolved.",
  untrusted: "The endpoint's certificate is not signed by a CA that the listener trusts.",
  "wrong-name": "The endpoint's certificate is for another name.",
  expired: "The endpoint's certificate is not valid at this time.",
  "tls-failed": "The TLS handshake with the endpoint failed.",
  "none-configured": "The profile has no server.",
} as const satisfies Readonly<Record<string, string>>;
export type EndpointFailure = keyof typeof ENDPOINT_FAILURES;
export const ENDPOINT_FAILURE_NAMES = Object.keys(ENDPOINT_FAILURES) as readonly EndpointFailure[];

/** Why an active check of an endpoint has failed. */
export const CHECK_FAILURES = {
  ...ENDPOINT_FAILURES,
  "no-answer":
    "The endpoint accepted the connection, and did not complete the health check in time.",
  "bad-answer":
    "The endpoint closed the connection without an answer to the health check, or the answer is not valid HTTP.",
  "wrong-status": "The endpoint answered the health check with a status that is not expected.",
  "wrong-body": "The body of the endpoint's answer to the health check is not as expected.",
} as const satisfies Readonly<Record<string, string>>;
export type CheckFailure = keyof typeof CHECK_FAILURES;
export const CHECK_FAILURE_NAMES = Object.keys(CHECK_FAILURES) as readonly CheckFailure[];

/** Whether the endpoint caused the failure. A lack of resources in the director must not mark an endpoint as down. */
export const isEndpointsFault = (failure: EndpointFailure): boolean =>
  failure !== "no-open-files" && failure !== "busy";

/** How a connection ended after its handshake. */
export const CONNECTION_OUTCOMES = {
  completed: "Both sides ended the connection in order.",
  "client-reset": "The client reset the connection.",
  "endpoint-reset": "The endpoint reset the connection.",
  "client-tls-error": "The client sent a broken TLS record.",
  "endpoint-tls-error": "The endpoint sent a broken TLS record.",
  idle: "No byte arrived in either direction within the idle deadline.",
  "half-closed-idle": "One side had ended its direction, and no byte arrived within the deadline.",
  "endpoint-failed": "No endpoint accepted the connection.",
  redirected: "The client was redirected to https.",
  "bad-request": "The client sent no HTTP request that can be redirected or forwarded.",
  "relay-memory":
    "The buffers of all connections exceeded their limit, and this connection had been stuck longest.",
  drained: "The director was stopping and the drain deadline passed.",
  "cut-by-operator": "An operator cut the connection.",
  "server-drained":
    "The server was drained or the profile had left it, and the deadline of the operator has passed.",
  internal: "The director could not serve the connection; see its log.",
} as const satisfies Readonly<Record<string, string>>;
export type ConnectionOutcome = keyof typeof CONNECTION_OUTCOMES;
export const CONNECTION_OUTCOME_NAMES = Object.keys(
  CONNECTION_OUTCOMES,
) as readonly ConnectionOutcome[];
