import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canStartTls, type BunSockets } from "./bun-native.ts";

interface Told {
  stopped: number;
  terminated: number;
}

/** Stands for a release of Bun whose sockets are what `socket` says. */
const bunWith = (socket: object, told: Told): BunSockets =>
  ({
    listen: () => ({
      port: 1,
      stop() {
        told.stopped += 1;
      },
    }),
    async connect() {
      const terminate = (): void => void (told.terminated += 1);
      return { terminate, ...socket };
    },
  }) as unknown as BunSockets;

describe("canStartTls", () => {
  it("asks a socket, and leaves nothing open", async () => {
    const told: Told = { stopped: 0, terminated: 0 };
    assert.equal(await canStartTls(bunWith({ upgradeTLS() {} }, told)), true);
    assert.equal(await canStartTls(bunWith({}, told)), false);
    assert.deepEqual(told, { stopped: 2, terminated: 2 });
  });

  it("says no where nothing can be asked", async () => {
    const listen = (): never => {
      throw new Error("EADDRNOTAVAIL");
    };
    const told: Told = { stopped: 0, terminated: 0 };
    assert.equal(await canStartTls({ ...bunWith({}, told), listen }), false);
    const connect = (): Promise<never> => Promise.reject(new Error("ECONNREFUSED"));
    assert.equal(await canStartTls({ ...bunWith({}, told), connect }), false);
    assert.deepEqual(told, { stopped: 1, terminated: 0 });
  });
});
