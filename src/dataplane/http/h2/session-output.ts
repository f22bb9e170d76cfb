import type { WireSocket } from "../../wire/wire.ts";
import { LARGEST_BUFFER_BYTES, type LentBuffers } from "./lent-buffers.ts";
import { FLAG, FRAME, FRAME_HEAD_BYTES, MAX_FRAME_BYTES, writeFrameHead } from "./frames.ts";

/** Collects the frames for one client. They go out once a turn of the event loop, or when the buffer is full. */
export class SessionOutput {
  readonly #buffers: LentBuffers;
  readonly #socket: WireSocket;
  #bytes: Buffer | undefined;
  length = 0;
  /** Bytes that were written to the socket, in total. */
  written = 0;
  /** Whether the socket has more queued than it should. It stays true until the socket has drained. */
  isFull = false;
  /** The offset of the last frame if it is DATA or the end of a head, and its stream. A flag can still be added to it. */
  #openAt = -1;
  #openStreamId = 0;

  constructor(buffers: LentBuffers, socket: WireSocket) {
    this.#buffers = buffers;
    this.#socket = socket;
  }

  /** Returns the buffer with room for a frame of this length at `length`. */
  reserve(payloadBytes: number): Buffer {
    if (this.length + FRAME_HEAD_BYTES + payloadBytes > LARGEST_BUFFER_BYTES) this.flush();
    const wanted = this.length + FRAME_HEAD_BYTES + payloadBytes;
    const bytes = this.#bytes;
    if (bytes !== undefined && wanted <= bytes.length) return bytes;
    const larger = this.#buffers.take(wanted);
    if (bytes !== undefined) {
      bytes.copy(larger, 0, 0, this.length);
      this.#buffers.give(bytes);
    }
    this.#bytes = larger;
    return larger;
  }

  /** Appends a frame of at most 16 KiB. */
  frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Buffer,
    from = 0,
    to = payload.length,
  ): void {
    const bytes = this.reserve(to - from);
    const at = this.length;
    writeFrameHead(bytes, at, to - from, type, flags, streamId);
    payload.copy(bytes, at + FRAME_HEAD_BYTES, from, to);
    this.length = at + FRAME_HEAD_BYTES + to - from;
    this.#openAt = -1;
  }

  /** Appends a frame as `frame` does, whose `flags` can be completed by `tryFlag` until another frame follows. */
  openFrame(
    type: number,
    flags: number,
    streamId: number,
    payload: Buffer,
    from: number,
    to: number,
  ): void {
    this.frame(type, flags, streamId, payload, from, to);
    this.#openAt = this.length - FRAME_HEAD_BYTES - (to - from);
    this.#openStreamId = streamId;
  }

  /** Adds a flag to the last frame if it is an open one of this stream and was not written. */
  tryFlag(streamId: number, flag: number): boolean {
    const bytes = this.#bytes;
    if (this.#openAt < 0 || this.#openStreamId !== streamId || bytes === undefined) return false;
    const at = this.#openAt + 4;
    bytes[at] = (bytes[at] ?? 0) | flag;
    this.#openAt = -1;
    return true;
  }

  /** Appends a field block as HEADERS and CONTINUATION frames. */
  block(streamId: number, flags: number, block: Buffer, length: number): void {
    const end = Math.min(length, MAX_FRAME_BYTES);
    if (end === length) {
      this.openFrame(FRAME.headers, flags | FLAG.endHeaders, streamId, block, 0, end);
      return;
    }
    this.frame(FRAME.headers, flags, streamId, block, 0, end);
    for (let at = end; at < length; at += MAX_FRAME_BYTES) {
      const next = Math.min(length, at + MAX_FRAME_BYTES);
      this.frame(
        FRAME.continuation,
        next === length ? FLAG.endHeaders : 0,
        streamId,
        block,
        at,
        next,
      );
    }
  }

  /** Forgets what was collected. */
  drop(): void {
    if (this.#bytes !== undefined) this.#buffers.give(this.#bytes);
    this.#bytes = undefined;
    this.length = 0;
  }

  /** Writes what was collected. */
  flush(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    const { length } = this;
    this.#bytes = undefined;
    this.length = 0;
    this.#openAt = -1;
    this.written += length;
    if (length > 0 && !this.#socket.write(bytes.subarray(0, length), true)) this.isFull = true;
    this.#buffers.give(bytes);
  }
}
