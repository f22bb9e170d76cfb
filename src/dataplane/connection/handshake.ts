import type { GroupName } from "#model/tls/cipher-suites.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import type { SnapshotClientAuth } from "#model/records/snapshot.ts";
import { histogramSlots, slotsByLabel } from "../observe/counters.ts";
import { ALERT_RECORDS } from "../tls/alerts.ts";
import { chooseContext } from "../tls/choose-context.ts";
import { classifyHandshakeFailure, nameVerifyFailure } from "../tls/classify-handshake-failure.ts";
import type { ClientHello } from "../tls/client-hello.ts";
import { ja4Of } from "../tls/ja4.ts";
import { resolveName } from "../tls/resolve-name.ts";
import { sharedGroupOf } from "../tls/shared-group.ts";
import type { TlsIdentity } from "../tls/tls-identity.ts";
import type {
  PeerCertificate,
  TlsFacts,
  TlsSocket,
  VerifyFailure,
  WireContext,
} from "../wire/wire.ts";
import { countRejection } from "./certificate-failure.ts";
import type { TlsConnection } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";
import type { ReadHello } from "./read-client-hello.ts";

const HANDSHAKE_SLOTS = slotsByLabel("tlsd_handshakes_total");
const HANDSHAKE_SECONDS = histogramSlots("tlsd_handshake_seconds");

/**
 * Every engine can send session tickets that contain a certificate chain of this size. Only longer chains, which are
 * rare, need a check.
 */
const LONG_CHAIN_BYTES = 8_192;

/**
 * At this stage, neither engine can send the alert of RFC 8446 section 6.2. The client receives close_notify and FIN.
 */
const CLOSE_NOTIFY = { farewell: Buffer.alloc(0) };

/**
 * Performs the TLS handshake with the client. Policy, certificate and client trust are those of the server name that are in force when
 * the ClientHello has been read. Returns false if the connection has ended.
 */
export async function shakeHands(
  connection: TlsConnection,
  { hello, bytes }: ReadHello,
): Promise<boolean> {
  connection.identityName = hello.serverName ?? hello.otherName;
  const { identity } = resolveName(connection.rules, connection.identityName);
  const { policy } = identity.spec;
  connection.identity = identity.key;
  const context = tryContext(connection, identity, hello);
  if (context === undefined) return false;
  const socket = await startTls(connection, identity, { hello, bytes }, context);
  if (socket === undefined || !admitClientCertificate(connection, identity, socket)) return false;
  if (connection.openingBytes > 0) connection.plane.openingMemory.release(connection);
  const facts = socket.facts();
  connection.tls = facts;
  connection.group = groupOf(hello, policy, facts);
  const { keeps } = connection.rules;
  if (keeps?.ja4 === true) connection.ja4 = ja4Of(hello);
  if (keeps?.certificate === true) connection.clientDer = socket.peerDer();
  connection.hello = undefined;
  connection.isOpen = true;
  connection.handshakeMs = connection.elapsedMs();
  const { counters } = connection.listener;
  counters.add(HANDSHAKE_SLOTS[facts.isResumed ? "resumed" : "new"]);
  counters.observeMs(HANDSHAKE_SECONDS, connection.handshakeMs);
  const { certificateName, plane } = connection;
  if (certificateName !== undefined) plane.certificates.completed(certificateName, facts.isResumed);
  return true;
}

/** Returns the TLS context for the client, or undefined if there is none. The connection has then ended. */
function tryContext(
  connection: TlsConnection,
  identity: TlsIdentity,
  hello: ClientHello,
): WireContext | undefined {
  const choice = chooseContext(connection.plane.contexts, identity, hello, connection.atMs);
  if ("certificateName" in choice) connection.certificateName = choice.certificateName;
  if ("context" in choice) return choice.context;
  switch (choice.failure) {
    case "unsupported-version":
      failHandshake(connection, choice.failure, { farewell: ALERT_RECORDS.protocol_version });
      return undefined;
    case "unknown-name": {
      const detail = noNameOf(hello);
      failHandshake(connection, choice.failure, {
        farewell: ALERT_RECORDS.unrecognized_name,
        ...(detail === undefined ? {} : { detail }),
      });
      return undefined;
    }
    case "internal":
      failHandshake(connection, choice.failure, { detail: choice.detail });
      return undefined;
    default:
      return choice satisfies never;
  }
}

/**
 * Returns a sentence with what the client sent as server name if it is not a host name. Characters that cannot be in a
 * name are written as `\x1b`.
 */
function noNameOf({ otherName }: ClientHello): string | undefined {
  if (otherName === undefined) return undefined;
  const escaped = otherName.replaceAll(
    /[^\w.:*[\]-]/g,
    (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `The server name ${escaped} is not a host name.`;
}

function startTls(
  connection: TlsConnection,
  { spec, certificates, alpn }: TlsIdentity,
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
        // Without the extension in the ClientHello, the server sends no ALPN (RFC 7301 section 3.2).
        alpn: hello.alpn.length === 0 ? undefined : alpn,
      },
      {
        onOpen: () => resolve(socket),
        onData() {},
        onDrain() {},
        onEnd() {
          countRejection(connection, "closed", undefined);
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
          countRejection(connection, name, rest.alert);
          failHandshake(connection, name, rest);
          resolve(undefined);
        },
      },
    );
    connection.client = socket;
  });
}

/**
 * Checks the client's certificate on every connection, including resumed ones. When an engine resumes a session, it
 * does not report whether the client presented a certificate in the original handshake.
 */
function admitClientCertificate(
  connection: TlsConnection,
  { spec }: TlsIdentity,
  socket: TlsSocket,
): boolean {
  const { mode } = spec.clientAuth;
  if (mode === "none") return true;
  const certificate = socket.peerCertificate();
  if (certificate === undefined) {
    if (mode === "request") return true;
    failHandshake(connection, "no-client-certificate", CLOSE_NOTIFY);
    return false;
  }
  connection.peerCertificate = certificate;
  const { verifyFailure } = certificate;
  if (verifyFailure === undefined) return canAnswer(connection, spec.policy, socket, certificate);
  const failure = isWithoutCrl(connection, spec.clientAuth, socket, verifyFailure)
    ? "no-crl-for-client-certificate"
    : nameVerifyFailure(verifyFailure.reason);
  failHandshake(connection, failure, { ...CLOSE_NOTIFY, detail: verifyFailure.detail });
  return false;
}

/**
 * Whether the only fault is a missing revocation list. Engines also report a missing list for a chain that does not
 * lead to a CA of the policy, and then the missing CA is the cause.
 */
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

/**
 * Whether the engine can answer a client with this certificate chain. On Bun, session tickets with a very long chain
 * would end the connection at the first write, without an error that says why.
 */
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
  failHandshake(connection, "too-large", { ...CLOSE_NOTIFY, detail });
  return false;
}

/**
 * Computes the group of the key exchange. Neither engine reports it to a server, but both choose by the configured
 * order (wire/).
 */
function groupOf(
  hello: ClientHello,
  policy: ResolvedPolicy,
  { version, isResumed }: TlsFacts,
): GroupName | undefined {
  if (version === "TLSv1.3") return sharedGroupOf(hello, policy, version);
  // A resumed TLS 1.2 session has no key exchange.
  return isResumed ? undefined : sharedGroupOf(hello, policy, "TLSv1.2");
}
