/** How handshakes and connections end: the strings are metric labels, log fields and test names alike. */

/** Failures of a handshake, each with what an operator should know of it. */
export const HANDSHAKE_FAILURES = {
  "no-shared-cipher":
    "The client offers no cipher suite that the policy and the certificates allow.",
  "no-shared-group": "The client offers no key exchange group that the policy allows.",
  "no-shared-signature":
    "The client can verify a signature of none of the certificates: key type, curve or signature algorithm.",
  "no-shared-alpn":
    "The client offers application protocols (ALPN), but none that the policy names.",
  "unsupported-version": "The client does not speak a TLS version that the policy allows.",
  "client-rejected-certificate":
    "The client did not accept the certificate: does it trust the CA, and is the name in the certificate?",
  "no-client-certificate": "The listener requires a client certificate and the client sent none.",
  "untrusted-client-certificate": "The client certificate is not signed by a CA of the policy.",
  "expired-client-certificate":
    "The client certificate is not valid at this time, or the CRL has expired.",
  "revoked-client-certificate": "The client certificate is on the revocation list.",
  "not-tls": "The client sent something that is not TLS.",
  "plaintext-http": "The client spoke plain HTTP to a TLS port; it was told to use https.",
  "bad-proxy-header":
    "A PROXY protocol header is required from this address and none that is valid came.",
  "unknown-name":
    "The listener is strict, and no certificate covers the server name that the client sent, if any; or the name is longer than 255 bytes.",
  "client-alert": "The client gave up with an alert.",
  "protocol-error": "The client broke the TLS protocol.",
  "too-large": "The client's ClientHello, or its certificate, is longer than the engine takes.",
  deadline: "The client did not finish in time.",
  reset: "The client reset the connection.",
  closed: "The client closed the connection before the handshake was done.",
  "over-limit": "A limit of the vNIC or of the director was reached.",
  "not-allowed":
    "The client's address is in `denyFrom`, or not among those that `allowFrom` allows (egress: and the profile's servers).",
  drained: "The director was stopping, or the listener went away.",
  internal: "The director could not serve the handshake; see its log.",
} as const satisfies Readonly<Record<string, string>>;

export type HandshakeFailure = keyof typeof HANDSHAKE_FAILURES;
export const HANDSHAKE_FAILURE_NAMES = Object.keys(
  HANDSHAKE_FAILURES,
) as readonly HandshakeFailure[];

/** A client that is not allowed has failed no handshake. */
export type TlsHandshakeFailure = Exclude<HandshakeFailure, "not-allowed">;

/** Failures that a connection of any mode can have before it is served; the others are those of TLS. */
export const REFUSAL_CAUSES = [
  "not-allowed",
  "over-limit",
  "bad-proxy-header",
  "deadline",
  "reset",
  "closed",
  "drained",
  "internal",
] as const satisfies readonly HandshakeFailure[];
export type RefusalCause = (typeof REFUSAL_CAUSES)[number];

/** Which limit closed a connection that came over it. */
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
  timeout: "The endpoint did not take the connection in time.",
  busy: "The endpoint was not waited for: it does not answer, and others need the place or wait for it already.",
  unreachable: "The endpoint cannot be reached.",
  reset: "The endpoint reset the connection while it was made.",
  "no-open-files": "The director has no open files left.",
  "name-not-found": "The remote host's name is not known.",
  untrusted: "The endpoint's certificate is not signed by a CA that the listener trusts.",
  "wrong-name": "The endpoint's certificate is for another name.",
  expired: "The endpoint's certificate is not valid at this time.",
  "tls-failed": "The TLS handshake with the endpoint failed.",
  "none-configured": "The profile lives on no server.",
} as const satisfies Readonly<Record<string, string>>;
export type EndpointFailure = keyof typeof ENDPOINT_FAILURES;
export const ENDPOINT_FAILURE_NAMES = Object.keys(ENDPOINT_FAILURES) as readonly EndpointFailure[];

/** How a connection ended, once its handshake was done. */
export const CONNECTION_OUTCOMES = {
  completed: "Both sides ended their halves.",
  "client-reset": "The client reset the connection.",
  "endpoint-reset": "The endpoint reset the connection.",
  "client-tls-error": "The client sent a broken TLS record.",
  "endpoint-tls-error": "The endpoint sent a broken TLS record.",
  idle: "No byte in either direction for the idle deadline.",
  "half-closed-idle": "One side had ended its half and no byte came for the deadline.",
  "endpoint-failed": "No endpoint took the connection.",
  redirected: "The client was sent to https.",
  "bad-request": "The client sent no HTTP request that can be redirected.",
  "relay-memory":
    "What all connections buffer was over its limit, and this one had been stuck longest.",
  drained: "The director was stopping and the drain deadline passed.",
  internal: "The director could not serve the connection; see its log.",
} as const satisfies Readonly<Record<string, string>>;
export type ConnectionOutcome = keyof typeof CONNECTION_OUTCOMES;
export const CONNECTION_OUTCOME_NAMES = Object.keys(
  CONNECTION_OUTCOMES,
) as readonly ConnectionOutcome[];
