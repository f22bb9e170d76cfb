import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { AcceptedHandlers, BunSocket, BunSocketHandlers, BunSockets } from "./native-api.ts";
import { NativeListener } from "./listener.ts";
import type { NativeSocket } from "./socket.ts";
import type { WireSocket } from "../wire.ts";

const HANDLERS: BunSocketHandlers<NativeSocket> = {
  data() {},
  drain() {},
  end() {},
  close() {},
  error() {},
};

/** Builds a listener on an engine that only keeps the handlers of the last reload. */
function build() {
  let handlers: AcceptedHandlers<NativeSocket> = HANDLERS;
  let reloads = 0;
  const bun = {
    listen(options: { socket: AcceptedHandlers<NativeSocket> }) {
      handlers = options.socket;
      return {
        reload(next: { socket: AcceptedHandlers<NativeSocket> }) {
          handlers = next.socket;
          reloads += 1;
        },
      };
    },
  } as unknown as BunSockets;
  const accepted: WireSocket[] = [];
  const target = { address: "127.0.0.1", port: 1 };
  const onAccept = (socket: WireSocket): number => accepted.push(socket);
  return {
    listener: new NativeListener(bun, target, HANDLERS, onAccept),
    accepted,
    reloads: () => reloads,
    hasDataHandler: () => handlers.data !== undefined,
    accept(): NativeSocket {
      const peer = { remoteAddress: "127.0.0.1", remotePort: 2 };
      const engine = { ...peer, terminate() {} } as unknown as BunSocket<NativeSocket>;
      handlers.open?.(engine);
      return engine.data;
    },
  };
}

const startTls = (socket: NativeSocket): void => socket.startTls(Buffer.from("hello"), () => []);
const waitLong = (): void => mock.timers.tick(60_000);

describe("NativeListener", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  it("has a data handler while a socket is without TLS, and not after that", () => {
    const listener = build();
    const [first, second] = [listener.accept(), listener.accept()];
    assert.deepEqual(listener.accepted, [first, second]);
    startTls(first);
    waitLong();
    assert.equal(listener.hasDataHandler(), true, "TLS has not started on the second socket");
    startTls(second);
    waitLong();
    assert.equal(listener.hasDataHandler(), false);
  });

  it("has a data handler again when it accepts a new socket", () => {
    const listener = build();
    startTls(listener.accept());
    waitLong();
    listener.accept();
    assert.equal(listener.hasDataHandler(), true);
    waitLong();
    assert.equal(listener.hasDataHandler(), true);
  });

  it("does not wait for a socket that has closed, or that the engine closed when TLS should start", () => {
    const listener = build();
    listener.accept().closed();
    listener.accept().startTls(Buffer.from("hello"), () => undefined);
    waitLong();
    assert.equal(listener.hasDataHandler(), false);
  });

  it("counts a socket once, however it ends", () => {
    const listener = build();
    const socket = listener.accept();
    startTls(socket);
    socket.closed();
    const other = listener.accept();
    waitLong();
    assert.equal(listener.hasDataHandler(), true);
    other.closed();
    other.closed();
    waitLong();
    assert.equal(listener.hasDataHandler(), false);
  });

  it("is not reloaded in steady use", () => {
    const listener = build();
    for (let count = 0; count < 1_000; count += 1) {
      startTls(listener.accept());
      mock.timers.tick(1);
    }
    // At most two reloads in each quarter of a second.
    assert.ok(listener.reloads() <= 8, `${listener.reloads()} reloads`);
  });
});
