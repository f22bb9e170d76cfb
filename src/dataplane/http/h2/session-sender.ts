import { slotsByLabel } from "../../observe/counters.ts";
import { HIGH_WATER_MARK_BYTES } from "../../wire/wire.ts";
import type { HttpPlane } from "../http-plane.ts";
import type { HttpConnection } from "../http-rules.ts";
import { type Flood, Budgets } from "./budgets.ts";
import {
  ERROR,
  type ErrorCode,
  type Fault,
  FIRST_WINDOW_BYTES,
  FLAG,
  FRAME,
  MAX_31_BITS,
  MAX_FRAME_BYTES,
  writeUint32,
} from "./frames.ts";
import { HpackEncoder } from "./hpack/hpack-encoder.ts";
import { PeerSettings } from "./peer-settings.ts";
import { Scheduler } from "./scheduler.ts";
import { SessionOutput } from "./session-output.ts";
import type { StreamSender } from "./stream-sender.ts";

const FAULT_SLOTS = slotsByLabel("tlsd_http2_faults_total");
/** What a stream sends before the next one of its urgency has its turn. */
const TURN_BYTES = MAX_FRAME_BYTES;
const LONG_TURN_BYTES = 4 * MAX_FRAME_BYTES;
/** A shorter DATA frame, because the window allows no longer one, counts as one of a client with tiny windows. */
const TINY_BYTES = 128;
/** A DATA frame of at least this length shows that the client opens wide windows. */
const WIDE_BYTES = 1_024;
/** How many WINDOW_UPDATE frames a DATA frame allows, and for how many of its bytes it allows one more. */
const UPDATES_OF_FRAME = 4;
const BYTES_OF_UPDATE = 512;
const NOTHING = Buffer.alloc(0);
const FOUR = Buffer.alloc(4);
const EIGHT = Buffer.alloc(8);

/** The half of a session that sends: frames, flow control, and whose turn it is. */
export abstract class SessionSender {
  readonly connection: HttpConnection;
  readonly http: HttpPlane;
  readonly output: SessionOutput;
  readonly peer = new PeerSettings();
  readonly encoder = new HpackEncoder();
  readonly #budgets = new Budgets();
  readonly #scheduler = new Scheduler();
  #sendWindow = FIRST_WINDOW_BYTES;
  /** How many frames the DATA that was sent allows, besides the budgets. */
  #updatesAllowed = 0;
  #tinyAllowed = 0;
  /** Bytes of bodies that are queued in all streams. */
  protected queuedBytes = 0;
  /** Bytes of the heads of requests that no endpoint has answered yet: they wait for a connection, or may be sent again. */
  protected headBytes = 0;
  /** Bytes of bodies that went on, to the client or to endpoints, in total. */
  movedBytes = 0;
  #isFlushing = false;

  constructor(connection: HttpConnection) {
    this.connection = connection;
    this.http = connection.plane.http;
    this.output = new SessionOutput(this.http.h2.buffers, connection.client);
  }

  abstract flushTurn(): void;
  abstract drain(): void;
  abstract isOutdated(): boolean;
  /** Ends the connection, because the client violates the protocol. */
  abstract fail(fault: Fault): void;
  /** All streams, in the order of their ids. */
  protected abstract allStreams(): Iterable<StreamSender>;

  /** Bytes in the socket, if there are more than there should be. */
  get stuckBytes(): number {
    return this.output.isFull ? this.connection.client.queuedBytes : 0;
  }

  flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.http.h2.flushSoon(this);
  }

  addQueued(stream: StreamSender, bytes: number): void {
    stream.bodyBytesQueued += bytes;
    this.queuedBytes += bytes;
  }

  /** Counts a head. A negative number takes it off. */
  addHead(bytes: number): void {
    this.headBytes += bytes;
    // The turn counts them against the memory for slow peers.
    if (bytes > 0 && this.headBytes >= HIGH_WATER_MARK_BYTES) this.flushSoon();
  }

  schedule(stream: StreamSender): void {
    this.#scheduler.add(stream);
    this.flushSoon();
  }

  /** Sends a run of a body as far as is possible at once. Returns the offset after it. */
  tryData(stream: StreamSender, bytes: Buffer, from: number, to: number): number {
    // Streams that wait have waited longer.
    return this.#scheduler.isEmpty ? this.writeData(stream, bytes, from, to) : from;
  }

  /** Appends DATA frames as far as the windows and the socket allow. Returns the offset after what was sent. */
  writeData(stream: StreamSender, bytes: Buffer, from: number, to: number): number {
    const { output } = this;
    let at = from;
    while (at < to && !output.isFull) {
      const allowed = Math.min(this.#sendWindow, stream.sendWindow, MAX_FRAME_BYTES);
      if (allowed <= 0) break;
      const end = Math.min(to, at + allowed);
      const bytesOfFrame = end - at;
      if (bytesOfFrame < TINY_BYTES && end < to && !this.#mayBeTiny()) break;
      if (bytesOfFrame >= WIDE_BYTES) this.#tinyAllowed += 1;
      this.#updatesAllowed += UPDATES_OF_FRAME + bytesOfFrame / BYTES_OF_UPDATE;
      output.openFrame(FRAME.data, 0, stream.id, bytes, at, end);
      this.#sendWindow -= end - at;
      stream.sendWindow -= end - at;
      stream.bytesToClient += end - at;
      at = end;
    }
    if (at > from) {
      this.movedBytes += at - from;
      this.flushSoon();
    }
    return at;
  }

  /** Whether a DATA frame may be tiny: the rest of a wide window can be. Otherwise the connection has ended. */
  #mayBeTiny(): boolean {
    if (this.#tinyAllowed < 1) return this.mayDo("tiny-windows");
    this.#tinyAllowed -= 1;
    return true;
  }

  /** Whether a WINDOW_UPDATE is allowed, by the DATA that was sent or by the budget. Otherwise the connection has ended. */
  protected mayUpdate(): boolean {
    if (this.#updatesAllowed < 1) return this.mayDo("window-flood");
    this.#updatesAllowed -= 1;
    return true;
  }

  /** Appends END_STREAM, to the last frame if that is possible. */
  writeEnd({ id }: StreamSender, trailers: Buffer | undefined): void {
    if (trailers !== undefined) {
      const { block } = this.http.h2;
      block.length = 0;
      this.encoder.begin(block);
      block.length += trailers.copy(block.bytes, block.length);
      this.output.block(id, FLAG.endStream, block.bytes, block.length);
    } else if (!this.output.tryFlag(id, FLAG.endStream)) {
      this.output.frame(FRAME.data, FLAG.endStream, id, NOTHING);
    }
    this.flushSoon();
  }

  writeReset(id: number, code: ErrorCode): void {
    writeUint32(FOUR, 0, code);
    this.output.frame(FRAME.rstStream, 0, id, FOUR);
    this.flushSoon();
  }

  writeWindowUpdate(id: number, increment: number): void {
    writeUint32(FOUR, 0, increment);
    this.output.frame(FRAME.windowUpdate, 0, id, FOUR);
    this.flushSoon();
  }

  protected writeGoaway(lastStreamId: number, code: ErrorCode): void {
    writeUint32(EIGHT, 0, lastStreamId);
    writeUint32(EIGHT, 4, code);
    this.output.frame(FRAME.goaway, 0, 0, EIGHT);
    this.flushSoon();
  }

  /** Takes one from a budget of the client. Ends the connection and returns false if it is used up. */
  mayDo(flood: Flood): boolean {
    if (this.#budgets.take(flood, this.http.turnMs)) return true;
    this.fail({ code: ERROR.enhanceYourCalm, cause: flood });
    return false;
  }

  protected countFault({ cause }: Fault): void {
    this.connection.listener.counters.add(FAULT_SLOTS[cause]);
  }

  /** Widens the window of the connection. Returns false if it is too wide then. */
  widen(increment: number): boolean {
    this.#sendWindow += increment;
    if (this.#sendWindow > MAX_31_BITS) return false;
    this.flushSoon();
    return true;
  }

  /** Widens the window of a stream. Returns false if it is too wide then. */
  widenStream(stream: StreamSender, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_31_BITS) return false;
    if (stream.isSendable) this.schedule(stream);
    return true;
  }

  /** Sends what waits in the streams, and writes what was collected. */
  protected sendTurn(): void {
    this.#isFlushing = false;
    const { output } = this;
    while (!output.isFull && this.#sendWindow > 0) {
      const stream = this.#scheduler.next();
      if (stream === undefined) break;
      stream.pump(stream.isIncremental ? TURN_BYTES : LONG_TURN_BYTES);
      if (stream.isSendable) this.#scheduler.add(stream);
    }
    output.flush();
    this.connection.bytesToClient = output.written;
  }

  /** The socket has drained. */
  protected socketDrained(): void {
    this.output.isFull = false;
    this.flushSoon();
    for (const stream of this.allStreams()) if (!stream.isBehind) stream.drained();
  }
}
