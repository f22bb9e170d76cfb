import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BunSocket } from "./native-api.ts";
import { NativeSocket } from "./socket.ts";
import { HIGH_WATER_MARK_BYTES, type WireFailure } from "../wire.ts";

const reset: WireFailure = { kind: "reset", detail: "ECONNRESET" };

/** An engine's socket that takes as many bytes of a write as `takes` says, and counts what it is told. */
function build(takes: number) {
  const calls: string[] = [];
  const sent: string[] = [];
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
    terminate: () => calls.push("terminate"),
    close: () => calls.push("close"),
  } as unknown as BunSocket<NativeSocket>;
  const socket = new NativeSocket(engine);
  const told: string[] = [];
  socket.handler = {
    onOpen() {},
    onData: (chunk) => told.push(String(chunk)),
    onDrain() {},
    onEnd: () => told.push("end"),
    onClose: (failure) => told.push(`close ${failure?.kind}`),
  };
  return { socket, told, calls, sent };
}

/** What is told where both halves have ended before the engine closes. */
function endBoth(takes: number, failure: WireFailure | undefined): readonly string[] {
  const { socket, told } = build(takes);
  socket.resume();
  socket.ended();
  socket.write(Buffer.from("whole"));
  socket.end();
  socket.failed(failure);
  socket.closed();
  return told;
}

describe("NativeSocket", () => {
  it("closes in order when both halves have ended and all has gone, whatever comes after", () => {
    for (const failure of [undefined, reset])
      assert.deepEqual(endBoth(10, failure), ["end", "close undefined"]);
  });

  it("is told no end by the engine when this half has ended first", () => {
    const { socket, told } = build(10);
    socket.resume();
    socket.end();
    socket.closed();
    assert.deepEqual(told, ["close undefined"]);
  });

  it("keeps what the engine has not taken of a chunk that is lent", () => {
    const { socket, told, sent } = build(2);
    const chunk = Buffer.from("lent");
    assert.equal(socket.write(chunk, true), false);
    chunk.fill("-");
    socket.drained();
    assert.equal(sent.join(""), "lent");
    assert.equal(socket.queuedBytes, 0);
    assert.deepEqual(told, []);
  });

  it("breaks off when bytes are left that the peer has not got", () => {
    for (const failure of [undefined, reset])
      assert.deepEqual(endBoth(2, failure), ["end", "close reset"]);
  });

  it("breaks off when bytes are left that nobody was told", () => {
    const { socket, told } = build(10);
    socket.end();
    socket.received(Buffer.from("rest"));
    socket.ended();
    socket.closed();
    assert.deepEqual(told, ["close reset"]);
  });

  it("believes no end after a write that failed", () => {
    const { socket, told } = build(-1);
    socket.resume();
    socket.write(Buffer.from("x"));
    socket.ended();
    socket.closed();
    assert.deepEqual(told, ["close reset"]);
  });

  it("tells what came while it was held, in order, and is paused only past the mark", () => {
    const { socket, told, calls } = build(10);
    for (const chunk of ["a", "b"]) socket.received(Buffer.from(chunk));
    socket.ended();
    socket.resume();
    assert.deepEqual([told, calls], [["a", "b", "end"], []]);
    socket.hold();
    socket.received(Buffer.alloc(HIGH_WATER_MARK_BYTES));
    assert.deepEqual(calls, []);
    socket.received(Buffer.from("c"));
    socket.resume();
    assert.deepEqual([told.at(-1), calls], ["c", ["pause", "resume"]]);
  });
});
