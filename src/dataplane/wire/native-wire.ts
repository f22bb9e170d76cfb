import {
  canStartTls,
  tryBunSockets,
  type BunSocket,
  type BunSocketHandlers,
  type BunSockets,
} from "./bun-native.ts";
import { failureOf, NativeSocket } from "./native-socket.ts";
import { portableWire, secureContextOf } from "./portable-wire.ts";
import type { Wire, WireHandler, WireSocket } from "./wire.ts";

type Socket = BunSocket<NativeSocket>;
type Handlers = BunSocketHandlers<NativeSocket>;

/** One set of functions for all sockets of a kind; each finds its own object in `socket.data`. */
const COMMON = {
  drain: (socket: Socket) => socket.data.drained(),
  end: (socket: Socket) => socket.data.ended(),
  error: (socket: Socket, error: Parameters<Handlers["error"]>[1]) =>
    socket.data.failed(failureOf(error)),
  close(socket: Socket, error: Parameters<Handlers["close"]>[1]) {
    socket.data.failed(failureOf(error));
    socket.data.closed();
  },
} as const;

const PLAIN: Handlers = {
  ...COMMON,
  data: (socket, chunk) => socket.data.received(chunk),
};

/** Bun's words for a client that ends its half before the handshake is done; with a reset it tells of a close alone. */
const LEFT_EARLY = /^Client network socket disconnected/;

const SERVER_TLS: Handlers = {
  ...COMMON,
  data: (socket, chunk) => socket.data.received(chunk),
  handshake(socket, isDone, error) {
    const wireSocket = socket.data;
    // Done with an error: the peer's certificate is not valid, and whoever asked for it decides what that means.
    wireSocket.verifyError = error?.code;
    if (isDone) {
      // It stands paused, as every socket between two stages.
      wireSocket.pause();
      wireSocket.handler.onOpen();
    } else if (LEFT_EARLY.test(error?.message ?? "")) {
      wireSocket.handler.onEnd();
    } else {
      wireSocket.failed(failureOf(error));
      wireSocket.destroy();
    }
  },
};

function native(socket: WireSocket): NativeSocket {
  if (!(socket instanceof NativeSocket)) throw new TypeError("The socket belongs to another wire.");
  return socket;
}

/** The TLS half takes the engine's socket over; the raw half hears nothing more. */
function upgrade(
  raw: WireSocket,
  handler: WireHandler,
  start: (socket: Socket, data: NativeSocket) => ReturnType<Socket["upgradeTLS"]>,
): NativeSocket {
  const wireSocket = new NativeSocket(undefined, raw);
  wireSocket.handler = handler;
  const socket = native(raw).handOver();
  const pair = socket === undefined ? undefined : start(socket, wireSocket);
  if (pair === undefined) {
    wireSocket.failed({ code: "ECONNRESET", detail: "The socket closed before TLS could start." });
    wireSocket.destroy();
    return wireSocket;
  }
  wireSocket.socket = pair[1];
  wireSocket.resume();
  return wireSocket;
}

/** On Bun's own sockets, which cost about half of what node:net and node:tls cost there. Contexts are node:tls's. */
function buildNativeWire(bun: BunSockets): Wire {
  return {
    buildContext: (spec) => portableWire.buildContext(spec),

    async listen({ address, port }, onAccept) {
      const server = bun.listen<NativeSocket>({
        hostname: address,
        port,
        reusePort: true,
        ipv6Only: true,
        allowHalfOpen: true,
        socket: {
          ...PLAIN,
          open(socket) {
            socket.pause();
            socket.data = new NativeSocket(socket);
            onAccept(socket.data);
          },
        },
      });
      return { close: () => server.stop() };
    },

    connect(target, handler) {
      // A handshake of our own as a client is rare, and node:tls alone checks the name before it is finished.
      if (target.isTlsNext) return portableWire.connect(target, handler);
      const wireSocket = new NativeSocket(undefined);
      wireSocket.handler = handler;
      const fail = (error: unknown): void => {
        wireSocket.failed(failureOf(error as Parameters<typeof failureOf>[0]));
        wireSocket.closed();
      };
      bun
        .connect<NativeSocket>({
          ...("path" in target
            ? { unix: target.path }
            : { hostname: target.host, port: target.port }),
          allowHalfOpen: true,
          data: wireSocket,
          socket: CONNECTING,
        })
        .catch(fail);
      return wireSocket;
    },

    startServerTls(raw, options, handler) {
      return upgrade(raw, handler, (socket, data) =>
        socket.upgradeTLS({
          isServer: true,
          tls: {
            secureContext: secureContextOf(options.context).context,
            requestCert: options.requestCertificate,
            rejectUnauthorized: options.requireCertificate,
            ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
          },
          initialData: options.firstBytes,
          data,
          socket: SERVER_TLS,
        }),
      );
    },

    startClientTls: (raw, options, handler) => portableWire.startClientTls(raw, options, handler),
  };
}

const CONNECTING: Handlers = {
  ...PLAIN,
  open: (socket) => socket.data.connected(socket),
  connectError(socket, error) {
    socket.data.failed(failureOf(error));
    socket.data.closed();
  },
};

/** Undefined where the engine has no such sockets, or they cannot start TLS. */
export async function tryNativeWire(): Promise<Wire | undefined> {
  const bun = tryBunSockets();
  return bun !== undefined && (await canStartTls(bun)) ? buildNativeWire(bun) : undefined;
}
