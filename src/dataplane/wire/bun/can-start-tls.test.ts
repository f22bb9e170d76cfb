import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BunSocket, BunSockets } from "./native-api.ts";
import { canStartTls } from "./can-start-tls.ts";
import type { Connect } from "./connect.ts";

interface Closes {
  stopped: number;
  terminated: number;
}

const buildBun = (closes: Closes): BunSockets =>
  ({
    listen: () => ({
      port: 1,
      stop() {
        closes.stopped += 1;
      },
    }),
  }) as unknown as BunSockets;

/** Returns a substitute for a release of Bun whose sockets are `socket`. */
const connectTo =
  (socket: object, closes: Closes): Connect =>
  (_target, connectable) => {
    const terminate = (): void => void (closes.terminated += 1);
    queueMicrotask(() =>
      connectable.connected({ terminate, ...socket } as unknown as BunSocket<unknown>),
    );
    return { destroy() {} };
  };

describe("canStartTls", () => {
  it("inspects a socket, and leaves nothing open", async () => {
    const closes: Closes = { stopped: 0, terminated: 0 };
    const bun = buildBun(closes);
    assert.equal(await canStartTls(bun, connectTo({ upgradeTLS() {} }, closes)), true);
    assert.equal(await canStartTls(bun, connectTo({}, closes)), false);
    assert.deepEqual(closes, { stopped: 2, terminated: 2 });
  });

  it("returns false if no socket can be opened", async () => {
    const closes: Closes = { stopped: 0, terminated: 0 };
    const bun = buildBun(closes);
    const listen = (): never => {
      throw new Error("EADDRNOTAVAIL");
    };
    assert.equal(await canStartTls({ ...bun, listen }, connectTo({}, closes)), false);
    const refused: Connect = (_target, connectable) => {
      queueMicrotask(() => connectable.closed());
      return { destroy() {} };
    };
    assert.equal(await canStartTls(bun, refused), false);
    const throws: Connect = () => {
      throw new Error("there is no such function");
    };
    assert.equal(await canStartTls(bun, throws), false);
    assert.deepEqual(closes, { stopped: 2, terminated: 0 });
  });
});
