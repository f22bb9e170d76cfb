import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BunSocket } from "./native-api.ts";
import { NativeSocket } from "./socket.ts";
import { HIGH_WATER_MARK_BYTES, type WireFailure } from "../wire.ts";

const reset: WireFailure = { kind: "reset", detail: "ECONNRESET" };

/**
 * Builds a socket on a substitute for the engine's socket, which accepts `takes` bytes of each write and records the
 * calls.
 */
function build(takes: number) {
  const calls: string[] = [];
  const sent: string[] = [];
  let report = (): void => {};
  const closes = (call: string): void => {
    calls.push(call);
    report();
  };
  const onClose = (reportAtOnce: () => void): void => {
    report = reportAtOnce;
  };
  const engine = {
    ...{ remoteAddress: "127.0.0.1", remotePort: 1 },
    write(chunk: Uint8Array) {
      const taken = Math.min(takes, chunk.length);
      sent.push(String(chunk.subarray(0, taken)));
      return taken;
    },
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
    shutdown: () => calls.push("shutdown"),
    terminate: () => closes("terminate"),
    close: () => closes("close"),
  } as unknown as BunSocket<NativeSocket>;
  const socket = new NativeSocket(engine);
  const events: string[] = [];
  socket.handler = {
    onOpen() {},
    onData: (chunk) => events.push(String(chunk)),
    onDrain() {},
    onEnd: () => events.push("end"),
    onClose: (failure) => events.push(`close ${failure?.kind}`),
  };
  return { socket, events, calls, sent, onClose };
}

/** Returns the events of a socket on which both halves have ended before the engine closes it. */
function endBoth(takes: number, failure: WireFailure | undefined): readonly string[] {
  const { socket, events } = build(takes);
  socket.resume();
  socket.ended();
  socket.write(Buffer.from("whole"));
  socket.end();
  socket.failed(failure);
  socket.closed();
  return events;
}

describe("NativeSocket", () => {
  it("closes in order if both halves have ended and everything was sent, whatever error follows", () => {
    for (const failure of [undefined, reset])
      assert.deepEqual(endBoth(10, failure), ["end", "close undefined"]);
  });

  it("closes in order if this half ended first, although the engine then reports no end", () => {
    const { socket, events } = build(10);
    socket.resume();
    socket.end();
    socket.closed();
    assert.deepEqual(events, ["close undefined"]);
  });

  it("reports a close by this side later, also if the engine reports it at once", async () => {
    for (const how of ["destroy", "reset"] as const) {
      const { socket, events, calls, onClose } = build(10);
      onClose(() => socket.closed());
      socket[how]();
      assert.deepEqual([calls.length, events], [1, []]);
      // oxlint-disable-next-line no-await-in-loop
      await Promise.resolve();
      assert.deepEqual(events, ["close undefined"]);
    }
  });

  it("copies the part of a lent chunk that the engine has not accepted", () => {
    const { socket, events, sent } = build(2);
    const chunk = Buffer.from("lent");
    assert.equal(socket.write(chunk, true), false);
    chunk.fill("-");
    socket.drained();
    assert.equal(sent.join(""), "lent");
    assert.equal(socket.queuedBytes, 0);
    assert.deepEqual(events, []);
  });

  it("reports a reset if bytes were not sent to the peer", () => {
    for (const failure of [undefined, reset])
      assert.deepEqual(endBoth(2, failure), ["end", "close reset"]);
  });

  it("reports a reset if received bytes were not delivered", () => {
    const { socket, events } = build(10);
    socket.end();
    socket.received(Buffer.from("rest"));
    socket.ended();
    socket.closed();
    assert.deepEqual(events, ["close reset"]);
  });

  it("does not trust an end after a failed write", () => {
    const { socket, events } = build(-1);
    socket.resume();
    socket.write(Buffer.from("x"));
    socket.ended();
    socket.closed();
    assert.deepEqual(events, ["close reset"]);
  });

  it("delivers what arrived while it was held, in order, and pauses the engine only above the high-water mark", () => {
    const { socket, events, calls } = build(10);
    for (const chunk of ["a", "b"]) socket.received(Buffer.from(chunk));
    socket.ended();
    socket.resume();
    assert.deepEqual([events, calls], [["a", "b", "end"], []]);
    socket.hold();
    socket.received(Buffer.alloc(HIGH_WATER_MARK_BYTES));
    assert.deepEqual(calls, []);
    socket.received(Buffer.from("c"));
    socket.resume();
    assert.deepEqual([events.at(-1), calls], ["c", ["pause", "resume"]]);
  });
});
