import { tryBunSockets, type BunSocketHandlers, type BunSockets } from "./native-api.ts";
import { canStartTls } from "./can-start-tls.ts";
import { nameListenFailure } from "../name-failure.ts";
import { buildConnect } from "./connect.ts";
import { tryNativeFailure } from "./tls-facts.ts";
import { NativeListener } from "./listener.ts";
import { NativeSocket } from "./socket.ts";
import { portableWire, secureContextOf } from "../portable/wire.ts";
import type { Wire, WireSocket } from "../wire.ts";

type Handlers = BunSocketHandlers<NativeSocket>;

/**
 * The start of Bun's error text for a client that ends its half before the handshake is done. If the client resets the
 * connection, Bun reports only a close.
 */
const LEFT_EARLY = /^Client network socket disconnected/;

/** The handlers of all sockets. They find the object of a socket in `socket.data`. */
const HANDLERS: Handlers = {
  data(socket, chunk) {
    const { data } = socket;
    if (data.isOf(socket)) data.received(chunk);
  },
  drain(socket) {
    const { data } = socket;
    if (data.isOf(socket)) data.drained();
  },
  end(socket) {
    const { data } = socket;
    if (data.isOf(socket)) data.ended();
  },
  error(socket, error) {
    socket.data.failed(tryNativeFailure(error));
  },
  close(socket, error) {
    const { data } = socket;
    data.failed(tryNativeFailure(error));
    if (data.isOf(socket)) data.closed();
  },
};

const connect = buildConnect<NativeSocket>(HANDLERS);

const SERVER_TLS: Handlers = {
  ...HANDLERS,
  open: (socket) => socket.data.secured(socket),
  handshake(socket, isDone, error) {
    const wireSocket = socket.data;
    // A handshake that is done and has an error means that the peer's certificate is not valid. The caller decides what
    // follows from that.
    wireSocket.verifyError = error?.code;
    if (isDone) {
      wireSocket.hold();
      wireSocket.handler.onOpen();
    } else if (LEFT_EARLY.test(error?.message ?? "")) {
      wireSocket.handler.onEnd();
    } else {
      wireSocket.failed(tryNativeFailure(error));
      wireSocket.destroy();
    }
  },
};

function native(socket: WireSocket): NativeSocket {
  if (!(socket instanceof NativeSocket)) throw new TypeError("The socket belongs to another wire.");
  return socket;
}

/**
 * Builds the wire on Bun's own sockets, which need about half the CPU time of node:net and node:tls on Bun. TLS
 * contexts are those of node:tls.
 */
function buildNativeWire(bun: BunSockets): Wire {
  return {
    buildContext: (spec) => portableWire.buildContext(spec),
    maxHelloBytes: (requestsCertificate) => portableWire.maxHelloBytes(requestsCertificate),

    async listen(target, onAccept) {
      try {
        return new NativeListener(bun, target, HANDLERS, onAccept);
      } catch (cause) {
        throw nameListenFailure(cause);
      }
    },

    connect(target, handler) {
      // TLS to endpoints uses node:tls. It is rare, and only node:tls verifies the name before the handshake is
      // finished.
      if (target.isTlsNext) return portableWire.connect(target, handler);
      const wireSocket = new NativeSocket();
      wireSocket.handler = handler;
      wireSocket.connectsBy(connect(target, wireSocket));
      return wireSocket;
    },

    startServerTls(raw, options, handler) {
      const wireSocket = native(raw);
      wireSocket.handler = handler;
      wireSocket.startTls(options.firstBytes, (socket, initialData) =>
        socket.upgradeTLS({
          isServer: true,
          tls: {
            secureContext: secureContextOf(options.context).context,
            requestCert: options.requestCertificate,
            rejectUnauthorized: options.requireCertificate,
            ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
          },
          initialData,
          data: wireSocket,
          socket: SERVER_TLS,
        }),
      );
      return wireSocket;
    },

    startClientTls: (raw, options, handler) => portableWire.startClientTls(raw, options, handler),
  };
}

const IGNORE = { data() {}, drain() {}, end() {}, close() {}, error() {} };

/** Resolves with undefined if the engine has no such sockets, or if they cannot start TLS. */
export async function tryNativeWire(): Promise<Wire | undefined> {
  const bun = tryBunSockets();
  return bun !== undefined && (await canStartTls(bun, buildConnect(IGNORE)))
    ? buildNativeWire(bun)
    : undefined;
}
