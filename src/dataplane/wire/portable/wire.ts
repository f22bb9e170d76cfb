import { constants } from "node:crypto";
import dns from "node:dns";
import net from "node:net";
import tls, { type SecureContext } from "node:tls";
import { pemBlocksOf } from "#model/tls/pem-blocks.ts";
import { readOnAfterBrokenPipe } from "../broken-pipe.ts";
import { nameListenFailure } from "../name-failure.ts";
import { NameLookups } from "../name-lookups.ts";
import { isBun, PortableSocket, sharedRead } from "./socket.ts";
import { PortableTlsSocket, sniOf } from "./tls-socket.ts";
import {
  HIGH_WATER_MARK_BYTES,
  type ContextSpec,
  type ListenTarget,
  type Wire,
  type WireContext,
  type WireListener,
  type WireSocket,
} from "../wire.ts";

/** The maximum backlog of Bun. Node uses at most the kernel's net.core.somaxconn. */
const BACKLOG = 4096;

const names = new NameLookups((hostname, answered) =>
  dns.lookup(hostname, { all: true, hints: dns.ADDRCONFIG }, answered),
);

class PortableContext implements WireContext {
  readonly secureContext: SecureContext;
  readonly memoryBytes: number;

  constructor(secureContext: SecureContext, memoryBytes: number) {
    this.secureContext = secureContext;
    this.memoryBytes = memoryBytes;
  }

  setTicketKeys(keys: Buffer): void {
    const native: { setTicketKeys?(keys: Buffer): void } = this.secureContext.context as object;
    // Bun cannot set ticket keys, so there a session resumes only in the worker that created it.
    if (!isBun) native.setTicketKeys?.(keys);
  }
}

function portable(socket: WireSocket): PortableSocket {
  if (!(socket instanceof PortableSocket))
    throw new TypeError("The socket belongs to another wire.");
  return socket;
}

export function secureContextOf(context: WireContext): SecureContext {
  if (!(context instanceof PortableContext))
    throw new TypeError("The context belongs to another wire.");
  return context.secureContext;
}

const listenOptionsOf = (target: ListenTarget): net.ListenOptions =>
  "path" in target
    ? { path: target.path, exclusive: true }
    : {
        host: target.address,
        port: target.port,
        reusePort: true,
        exclusive: true,
        backlog: BACKLOG,
        ipv6Only: true,
      };

function listen(
  target: ListenTarget,
  onAccept: (socket: WireSocket) => void,
): Promise<WireListener> {
  const server = net.createServer(
    {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      highWaterMark: HIGH_WATER_MARK_BYTES,
    },
    (socket) => onAccept(new PortableSocket(socket)),
  );
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void => reject(nameListenFailure(cause));
    server.once("error", refuse);
    server.listen(listenOptionsOf(target), () => {
      server.off("error", refuse);
      // From here on, an error means that an accept failed (EMFILE). The engine waits and tries again.
      server.on("error", () => {});
      resolve({ close: () => server.close() });
    });
  });
}

/**
 * The limits of BoringSSL (ssl_max_handshake_message_len), including the header. The second applies if a client
 * certificate is requested, because it must hold the certificate chain.
 */
const MAX_BORINGSSL_HELLO_BYTES = 16_388;
const MAX_BORINGSSL_CHAIN_BYTES = 102_404;

function maxHelloBytes(requestsCertificate: boolean): number {
  // OpenSSL accepts any length that the fields of a ClientHello can express (CLIENT_HELLO_MAX_LENGTH).
  if (!isBun) return Number.POSITIVE_INFINITY;
  return requestsCertificate ? MAX_BORINGSSL_CHAIN_BYTES : MAX_BORINGSSL_HELLO_BYTES;
}

/**
 * With colons, OpenSSL would prefer any group that the client sent a key share for. With slashes, it uses the order of
 * the list, as BoringSSL does.
 */
const GROUP_SEPARATOR = isBun ? ":" : "/";

/**
 * Returns the CAs of the context. A context without CAs would use those of the system, and both engines would then
 * search them for the issuer of a lone certificate in each handshake, and send it if they find it. The certificate's
 * own chain as CAs prevents this.
 */
const trustOf = ({ caPem, trustsSystem, chainPem }: ContextSpec): string[] | undefined =>
  pemBlocksOf(caPem ?? (trustsSystem ? undefined : chainPem));

/** How much memory a context with a short chain takes. */
const CONTEXT_BYTES = isBun ? 10_240 : 43_008;
/** How much more it takes for each character of the PEM text of its CAs and revocation lists. */
const BYTES_PER_TRUST_CHARACTER = isBun ? 1.5 : 5;

function memoryBytesOf({ caPem = "", crlPem = "" }: ContextSpec): number {
  return CONTEXT_BYTES + BYTES_PER_TRUST_CHARACTER * (caPem.length + crlPem.length);
}

/** minVersion is always set, because Bun would allow TLS 1.0 otherwise. Renegotiation is off. */
function buildContext(spec: ContextSpec): WireContext {
  let secureOptions = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;
  if (!spec.tickets) secureOptions |= constants.SSL_OP_NO_TICKET;
  return new PortableContext(
    tls.createSecureContext({
      cert: spec.chainPem,
      key: spec.keyPem,
      ca: trustOf(spec),
      crl: pemBlocksOf(spec.crlPem),
      allowPartialTrustChain: spec.partialChain,
      minVersion: spec.minVersion,
      maxVersion: spec.maxVersion,
      ciphers: spec.cipherSuites.join(":"),
      ecdhCurve: spec.groups.join(GROUP_SEPARATOR),
      honorCipherOrder: true,
      secureOptions,
      sessionIdContext: spec.sessionIdContext,
      ticketKeys: isBun ? undefined : spec.ticketKeys,
    }),
    memoryBytesOf(spec),
  );
}

/** The wire on node:net and node:tls, which Node and Bun both have. */
export const portableWire: Wire = {
  listen,
  buildContext,
  maxHelloBytes,

  connect(target, handler) {
    const options: net.NetConnectOpts & { readonly highWaterMark: number } = {
      ...target,
      lookup: names.lookup,
      allowHalfOpen: true,
      noDelay: true,
      highWaterMark: HIGH_WATER_MARK_BYTES,
      // A TLS socket reads with a buffer of its own, and so does Bun.
      ...(target.isTlsNext || isBun ? {} : { onread: sharedRead }),
    };
    const socket = net.connect(options);
    socket.pause();
    const wireSocket = new PortableSocket(socket);
    readOnAfterBrokenPipe(socket, (error) => wireSocket.wasReset(error));
    wireSocket.handler = handler;
    wireSocket.reportOpenOn("connect");
    return wireSocket;
  },

  startServerTls(raw, options, handler) {
    const socket = portable(raw).takeOver();
    if (options.firstBytes.length > 0) socket.unshift(options.firstBytes);
    const tlsSocket = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: secureContextOf(options.context),
      requestCert: options.requestCertificate,
      // In Node, this refuses only a client without a certificate. The handshake stage checks whether a certificate is
      // valid.
      rejectUnauthorized: options.requireCertificate,
      highWaterMark: HIGH_WATER_MARK_BYTES,
      ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
    } as tls.TLSSocketOptions);
    const wireSocket = new PortableTlsSocket(tlsSocket, socket, true);
    wireSocket.handler = handler;
    wireSocket.reportOpenOn("secure");
    // The socket must read, so that the end of a client during the handshake is noticed.
    wireSocket.resume();
    return wireSocket;
  },

  startClientTls(raw, options, handler) {
    const socket = portable(raw).takeOver();
    const { serverName } = options;
    const tlsSocket = tls.connect({
      socket,
      secureContext: secureContextOf(options.context),
      servername: sniOf(serverName),
      rejectUnauthorized: options.verify,
      allowHalfOpen: true,
      highWaterMark: HIGH_WATER_MARK_BYTES,
      checkServerIdentity: (_host, certificate) =>
        options.verify ? tls.checkServerIdentity(serverName, certificate) : undefined,
    } as tls.ConnectionOptions);
    const wireSocket = new PortableTlsSocket(tlsSocket, socket, false);
    readOnAfterBrokenPipe(tlsSocket, (error) => wireSocket.wasReset(error));
    wireSocket.handler = handler;
    wireSocket.reportOpenOn("secureConnect");
    wireSocket.resume();
    return wireSocket;
  },
};
