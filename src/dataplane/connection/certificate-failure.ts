/** Counts the clients that break off in a way that names the certificate they were shown. */
import {
  CERTIFICATE_FAILURES,
  type CertificateFailure,
  type TlsHandshakeFailure,
} from "#model/records/outcome.ts";
import type { WireFailure } from "../wire/wire.ts";
import type { ConnectionState } from "./connection-state.ts";

/**
 * How soon after its handshake a client that does not accept the certificate breaks off. Some clients ask a server of the CA about
 * revocation first.
 */
const AT_ONCE_MS = 2_000;

/** To be called when a handshake fails after the certificate was chosen. `alert` is the name of the client's alert, or `unknown`. */
export function countRejection(
  connection: ConnectionState,
  failure: TlsHandshakeFailure,
  alert: string | undefined,
): void {
  const { certificateName, plane } = connection;
  if (certificateName === undefined) return;
  // The end of the client's half is followed by the close of the socket.
  connection.certificateName = undefined;
  const named = rejectionOf(failure, alert);
  if (named !== undefined) plane.certificates.failed(certificateName, named);
}

function rejectionOf(
  failure: TlsHandshakeFailure,
  alert: string | undefined,
): CertificateFailure | undefined {
  if (failure === "closed" || failure === "reset") return "closed-in-handshake";
  if (alert === undefined) return undefined;
  return alert === "unknown" ? "unreadable-alert" : tryFailure(alert);
}

/**
 * To be called when the client ends or breaks off its half after the handshake. Many clients verify the name or the chain only then,
 * and close without a byte of data. A client that resumes a session was not shown the certificate.
 */
export function countSilentEnd(
  connection: ConnectionState,
  failure: WireFailure | undefined,
): void {
  const { certificateName, tls, plane, bytesFromClient, bytesToClient } = connection;
  if (certificateName === undefined || tls?.isResumed !== false) return;
  connection.certificateName = undefined;
  if (bytesFromClient > 0 || bytesToClient > 0) return;
  if (connection.elapsedMs() - connection.handshakeMs > AT_ONCE_MS) return;
  const alert = failure?.kind === "alert" ? (failure.alert ?? "") : "";
  plane.certificates.failed(certificateName, tryFailure(alert) ?? "closed-at-once");
}

const tryFailure = (alert: string): CertificateFailure | undefined =>
  Object.hasOwn(CERTIFICATE_FAILURES, alert) ? (alert as CertificateFailure) : undefined;
