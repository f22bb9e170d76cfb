import { BAD_FRAME, BAD_FRAME_SIZE, type FrameHandler } from "./frame-reader.ts";
import { ERROR, type Fault, FLAG, FRAME, uint31 } from "./frames.ts";
import { MAX_BLOCK_BYTES } from "./hpack/hpack-decoder.ts";
import type { Session } from "./session.ts";

/** How many CONTINUATION frames a field block may have. Four are enough for the longest one. */
const MAX_CONTINUATIONS = 16;
const HEAD_FLOOD: Fault = { code: ERROR.enhanceYourCalm, cause: "head-flood" };
const PRIORITY_BYTES = 5;

/** Checks the frames of a session as such (RFC 9113 section 6), and puts field blocks together. */
export class SessionFrames implements FrameHandler {
  readonly #session: Session;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The stream whose field block is not whole, or 0. */
  #blockStreamId = 0;
  #endsStream = false;
  #continuations = 0;
  #block: Buffer = Buffer.alloc(0);

  constructor(session: Session) {
    this.#session = session;
  }

  get isDone(): boolean {
    return this.#session.isDone;
  }

  /** Whether a part of a field block has arrived. */
  get hasPartialBlock(): boolean {
    return this.#blockStreamId !== 0;
  }

  /** Bytes of the field block that is not whole. */
  get blockBytes(): number {
    return this.#block.length;
  }

  fail(fault: Fault): void {
    this.#session.fail(fault);
  }

  frameBegins(type: number, flags: number, streamId: number, length: number): void {
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    const isContinued = this.#blockStreamId !== 0;
    const fits = type === FRAME.continuation && streamId === this.#blockStreamId;
    if (isContinued !== (type === FRAME.continuation) || (isContinued && !fits)) {
      this.fail(BAD_FRAME);
      return;
    }
    const fault = faultOf(type, flags, streamId, length);
    if (fault !== undefined) this.fail(fault);
    else if (type === FRAME.data) this.#session.dataBegins(streamId, length, this.#ends());
  }

  #ends(): boolean {
    return (this.#flags & FLAG.endStream) !== 0;
  }

  data(bytes: Buffer, from: number, to: number, isLent: boolean): void {
    this.#session.data(bytes, from, to, isLent);
  }

  dataEnds(): void {
    this.#session.dataEnds(this.#ends());
  }

  payload(bytes: Buffer, from: number, to: number): void {
    const session = this.#session;
    const id = this.#streamId;
    switch (this.#type) {
      case FRAME.headers:
        this.#readHeaders(bytes, from, to);
        return;
      case FRAME.continuation:
        this.#continueBlock(bytes, from, to);
        return;
      case FRAME.priority:
        if (uint31(bytes, from) === id) this.fail(BAD_FRAME);
        else session.mayDo("priority-flood");
        return;
      case FRAME.priorityUpdate:
        this.#readPriorityUpdate(bytes, from);
        return;
      case FRAME.rstStream:
        session.streamReset(id);
        return;
      case FRAME.settings:
        if ((this.#flags & FLAG.ack) !== 0) session.settingsAcknowledged();
        else session.takeSettings(bytes, from, to);
        return;
      case FRAME.ping:
        if ((this.#flags & FLAG.ack) !== 0) session.pingAcknowledged();
        else if (session.mayDo("ping-flood")) {
          session.output.frame(FRAME.ping, FLAG.ack, 0, bytes, from, to);
          session.flushSoon();
        }
        return;
      case FRAME.windowUpdate:
        session.windowUpdated(id, uint31(bytes, from));
        return;
      case FRAME.goaway:
        // The client opens no more streams. It ends the connection when it has the answers.
        session.mayDo("empty-frame-flood");
        return;
      default:
        // Frames of unknown types are ignored (RFC 9113 section 5.5).
        session.mayDo("empty-frame-flood");
    }
  }

  #readPriorityUpdate(bytes: Buffer, from: number): void {
    // The stream that it is about, and a value of the field `priority` (RFC 9218 section 7.1).
    const prioritized = uint31(bytes, from);
    if (prioritized === 0 || prioritized % 2 === 0) this.fail(BAD_FRAME);
    else this.#session.mayDo("priority-flood");
  }

  #readHeaders(bytes: Buffer, from: number, to: number): void {
    const flags = this.#flags;
    let start = from;
    let end = to;
    if ((flags & FLAG.padded) !== 0) {
      end -= bytes[start] ?? 0;
      start += 1;
    }
    const hasPriority = (flags & FLAG.priority) !== 0;
    const dependsOn = hasPriority ? uint31(bytes, start) : 0;
    if (hasPriority) start += PRIORITY_BYTES;
    if (start > end) {
      this.fail(BAD_FRAME);
      return;
    }
    this.#endsStream = this.#ends();
    if (!this.#session.headersBegin(this.#streamId, dependsOn === this.#streamId)) return;
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#session.block(this.#streamId, bytes, start, end, this.#endsStream);
      return;
    }
    this.#blockStreamId = this.#streamId;
    this.#continuations = 0;
    this.#block = Buffer.from(bytes.subarray(start, end));
  }

  #continueBlock(bytes: Buffer, from: number, to: number): void {
    this.#continuations += 1;
    const length = this.#block.length + to - from;
    if (this.#continuations > MAX_CONTINUATIONS || length > MAX_BLOCK_BYTES) {
      this.fail(HEAD_FLOOD);
      return;
    }
    this.#block = Buffer.concat([this.#block, bytes.subarray(from, to)]);
    if ((this.#flags & FLAG.endHeaders) === 0) return;
    const block = this.#block;
    const streamId = this.#blockStreamId;
    this.#block = Buffer.alloc(0);
    this.#blockStreamId = 0;
    this.#session.block(streamId, block, 0, block.length, this.#endsStream);
  }
}

const WITHOUT_STREAM: ReadonlySet<number> = new Set([
  FRAME.settings,
  FRAME.ping,
  FRAME.goaway,
  FRAME.priorityUpdate,
]);
const WITH_STREAM: ReadonlySet<number> = new Set([
  FRAME.data,
  FRAME.headers,
  FRAME.priority,
  FRAME.rstStream,
  FRAME.continuation,
]);

/** Returns the fault in the head of a frame. */
function faultOf(type: number, flags: number, streamId: number, length: number): Fault | undefined {
  if (streamId === 0 ? WITH_STREAM.has(type) : WITHOUT_STREAM.has(type)) return BAD_FRAME;
  if (type === FRAME.pushPromise) return BAD_FRAME;
  return isLength(type, flags, length) ? undefined : BAD_FRAME_SIZE;
}

function isLength(type: number, flags: number, length: number): boolean {
  switch (type) {
    case FRAME.headers: {
      const isPadded = (flags & FLAG.padded) !== 0 ? 1 : 0;
      return length >= isPadded + ((flags & FLAG.priority) !== 0 ? PRIORITY_BYTES : 0);
    }
    case FRAME.priority:
      return length === PRIORITY_BYTES;
    case FRAME.rstStream:
    case FRAME.windowUpdate:
      return length === 4;
    case FRAME.settings:
      return (flags & FLAG.ack) !== 0 ? length === 0 : length % 6 === 0;
    case FRAME.ping:
      return length === 8;
    case FRAME.goaway:
      return length >= 8;
    case FRAME.priorityUpdate:
      return length >= 4;
    default:
      return true;
  }
}
