import type { GroupName } from "#model/tls/cipher-suites.ts";
import type { ClientTlsRules } from "../listener-rules.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import type { SnapshotClientAuth } from "#model/records/snapshot.ts";
import { histogramSlots, slotsByLabel } from "../observe/counters.ts";
import { ALERT_RECORDS } from "../tls/alerts.ts";
import {
  classifyHandshakeFailure,
  nameVerifyFailure,
  sharesVersion,
} from "../tls/classify-handshake-failure.ts";
import type { ClientHello } from "../tls/client-hello.ts";
import { sharedGroupOf } from "../tls/shared-group.ts";
import type {
  PeerCertificate,
  TlsFacts,
  TlsSocket,
  VerifyFailure,
  WireContext,
} from "../wire/wire.ts";
import type { TlsConnection } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";
import type { ReadHello } from "./read-client-hello.ts";

const HANDSHAKE_SLOTS = slotsByLabel("tlsd_handshakes_total");
const HANDSHAKE_SECONDS = histogramSlots("tlsd_handshake_seconds");

/** Any engine can put this much into its tickets; of nearly all clients no more is asked. */
const LONG_CHAIN_BYTES = 8_192;

/** Neither engine can send the alert of RFC 8446 section 6.2 by then: the client is sent close_notify and FIN. */
const IN_ORDER = { farewell: Buffer.alloc(0) };

/**
 * Does the TLS handshake with the client, under the certificate for its name. Policy, certificate and client trust are
 * those in force when the ClientHello has come. Returns false if the connection is over.
 */
export async function shakeHands(
  connection: TlsConnection,
  { hello, bytes }: ReadHello,
): Promise<boolean> {
  const { rules } = connection;
  const { policy } = rules.spec;
  const context = chooseContext(connection, rules, hello);
  if (context === undefined) return false;
  const socket = await startTls(connection, rules, { hello, bytes }, context);
  if (socket === undefined || !admitClientCertificate(connection, rules, socket)) return false;
  if (connection.openingBytes > 0) connection.plane.openingMemory.release(connection);
  const facts = socket.facts();
  connection.tls = facts;
  connection.group = groupOf(hello, policy, facts);
  connection.hello = undefined;
  connection.isOpen = true;
  connection.handshakeMs = connection.elapsedMs();
  const { counters } = connection.listener;
  counters.add(HANDSHAKE_SLOTS[facts.isResumed ? "resumed" : "new"]);
  counters.observeMs(HANDSHAKE_SECONDS, connection.handshakeMs);
  return true;
}

/** Before the TLS socket exists, so that the whole policy holds for the name, and not only what SNI may change. */
function chooseContext(
  connection: TlsConnection,
  { certificates, spec }: ClientTlsRules,
  hello: ClientHello,
): WireContext | undefined {
  if (!sharesVersion(hello, spec.policy)) {
    // Before the name is looked at, and not left to an engine: for some old versions Node has another alert.
    failHandshake(connection, "unsupported-version", { farewell: ALERT_RECORDS.protocol_version });
    return undefined;
  }
  const certificate = certificates.select(hello, connection.atMs);
  if (certificate === undefined) {
    const detail = noNameOf(hello);
    failHandshake(connection, "unknown-name", {
      farewell: ALERT_RECORDS.unrecognized_name,
      ...(detail === undefined ? {} : { detail }),
    });
    return undefined;
  }
  try {
    return connection.plane.contexts.forClients(spec, certificate.material);
  } catch (cause) {
    failHandshake(connection, "internal", {
      detail: cause instanceof Error ? cause.message : String(cause),
    });
    return undefined;
  }
}

/** What the client sent in place of a name, with all that no name has written as `\x1b`. */
function noNameOf({ otherName }: ClientHello): string | undefined {
  if (otherName === undefined) return undefined;
  const escaped = otherName.replaceAll(
    /[^\w.:*[\]-]/g,
    (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `The server name ${escaped} is no host name.`;
}

function startTls(
  connection: TlsConnection,
  { spec, certificates, alpn }: ClientTlsRules,
  { hello, bytes: firstBytes }: ReadHello,
  context: WireContext,
): Promise<TlsSocket | undefined> {
  const { plane, client } = connection;
  const { clientAuth, policy } = spec;
  return new Promise((resolve) => {
    const socket = plane.wire.startServerTls(
      client,
      {
        context,
        firstBytes,
        requestCertificate: clientAuth.mode !== "none",
        requireCertificate: clientAuth.mode === "require",
        // RFC 7301 section 3.2: without the extension there is nothing to answer.
        alpn: hello.alpn.length === 0 ? undefined : alpn,
      },
      {
        onOpen: () => resolve(socket),
        onData() {},
        onDrain() {},
        onEnd() {
          failHandshake(connection, "closed");
          resolve(undefined);
        },
        onClose(failure) {
          const mismatch = certificates.mismatchOf(hello, connection.atMs);
          const { failure: name, ...rest } = classifyHandshakeFailure(
            hello,
            policy,
            failure,
            mismatch,
          );
          failHandshake(connection, name, rest);
          resolve(undefined);
        },
      },
    );
    connection.client = socket;
  });
}

/**
 * Asked on every connection, resumed ones too: an engine that resumes a session says nothing of the certificate that
 * the client once showed, or did not.
 */
function admitClientCertificate(
  connection: TlsConnection,
  { spec }: ClientTlsRules,
  socket: TlsSocket,
): boolean {
  const { mode } = spec.clientAuth;
  if (mode === "none") return true;
  const certificate = socket.peerCertificate();
  if (certificate === undefined) {
    if (mode === "request") return true;
    failHandshake(connection, "no-client-certificate", IN_ORDER);
    return false;
  }
  connection.peerCertificate = certificate;
  const { verifyFailure } = certificate;
  if (verifyFailure === undefined) return canAnswer(connection, spec.policy, socket, certificate);
  const failure = isWithoutCrl(connection, spec.clientAuth, socket, verifyFailure)
    ? "no-crl-for-client-certificate"
    : nameVerifyFailure(verifyFailure.reason);
  failHandshake(connection, failure, { ...IN_ORDER, detail: verifyFailure.detail });
  return false;
}

/** An engine says that a list is missing even if the chain leads to no CA of the policy, where the CA is what matters. */
function isWithoutCrl(
  { plane }: TlsConnection,
  { trust }: SnapshotClientAuth,
  socket: TlsSocket,
  { reason }: VerifyFailure,
): boolean {
  if (reason !== "crl-missing" || trust === undefined) return false;
  const root = socket.peerRoot();
  return root !== undefined && plane.contexts.isAuthority(trust, root);
}

/** On Bun a client with very long certificates would be cut off at the first answer, by an engine that says not why. */
function canAnswer(
  connection: TlsConnection,
  { tickets }: ResolvedPolicy,
  socket: TlsSocket,
  { chainBytes }: PeerCertificate,
): boolean {
  const hasTickets =
    chainBytes > LONG_CHAIN_BYTES && tickets && socket.facts().version === "TLSv1.3";
  if (!hasTickets || socket.canSendTickets(chainBytes)) return true;
  const detail = `The client's certificates have ${chainBytes} bytes, too many for a session ticket of Bun.`;
  failHandshake(connection, "too-large", { ...IN_ORDER, detail });
  return false;
}

/** Neither engine tells the server's side, but both choose by the order that they are given (wire/). */
function groupOf(
  hello: ClientHello,
  policy: ResolvedPolicy,
  { version, isResumed }: TlsFacts,
): GroupName | undefined {
  if (version === "TLSv1.3") return sharedGroupOf(hello, policy, version);
  // Resuming in TLS 1.2 exchanges no keys.
  return isResumed ? undefined : sharedGroupOf(hello, policy, "TLSv1.2");
}
