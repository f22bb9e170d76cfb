import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BunSocket, BunSockets } from "./native-api.ts";
import { canStartTls } from "./can-start-tls.ts";
import type { Connect } from "./connect.ts";

interface Told {
  stopped: number;
  terminated: number;
}

const bunThat = (told: Told): BunSockets =>
  ({
    listen: () => ({
      port: 1,
      stop() {
        told.stopped += 1;
      },
    }),
  }) as unknown as BunSockets;

/** Stands for a release of Bun whose sockets are what `socket` says. */
const connectTo =
  (socket: object, told: Told): Connect =>
  (_target, connectable) => {
    const terminate = (): void => void (told.terminated += 1);
    queueMicrotask(() =>
      connectable.connected({ terminate, ...socket } as unknown as BunSocket<unknown>),
    );
    return { destroy() {} };
  };

describe("canStartTls", () => {
  it("asks a socket, and leaves nothing open", async () => {
    const told: Told = { stopped: 0, terminated: 0 };
    const bun = bunThat(told);
    assert.equal(await canStartTls(bun, connectTo({ upgradeTLS() {} }, told)), true);
    assert.equal(await canStartTls(bun, connectTo({}, told)), false);
    assert.deepEqual(told, { stopped: 2, terminated: 2 });
  });

  it("says no where nothing can be asked", async () => {
    const told: Told = { stopped: 0, terminated: 0 };
    const bun = bunThat(told);
    const listen = (): never => {
      throw new Error("EADDRNOTAVAIL");
    };
    assert.equal(await canStartTls({ ...bun, listen }, connectTo({}, told)), false);
    const refused: Connect = (_target, connectable) => {
      queueMicrotask(() => connectable.closed());
      return { destroy() {} };
    };
    assert.equal(await canStartTls(bun, refused), false);
    const throws: Connect = () => {
      throw new Error("there is no such function");
    };
    assert.equal(await canStartTls(bun, throws), false);
    assert.deepEqual(told, { stopped: 2, terminated: 0 });
  });
});
