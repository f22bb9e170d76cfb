import type { Channel } from "#protocol/channel.ts";
import {
  LINES_HEADER_BYTES,
  MAX_LINES_FRAMES_PER_SECOND,
  MAX_LINES_FRAME_BYTES,
} from "#protocol/line-frames.ts";

const FLUSH_MS = 200;
/** 8 MiB. A worker that writes 30 MB a second fills them when the control process has not read for a quarter of a second. */
const MAX_WAITING_FRAMES = 128;
/**
 * How many bytes may wait in the channel. The kernel takes them only between two turns of the event loop, so this bounds what a worker sends in
 * one turn, in which it may answer a thousand requests. Counts are sent while more than this waits (`Reports`).
 */
const MAX_BYTES_IN_CHANNEL = 1_048_576;

interface LinesFrame {
  readonly buffer: Buffer;
  /** Where its lines end. */
  readonly end: number;
  readonly lines: number;
}

export interface AccessLinesParts {
  readonly channel: Pick<Channel<never>, "sendLines" | "waitingBytes" | "untilDrained">;
  /** Called with the number of lines that were not sent, because too many waited. */
  readonly onLost: (lines: number) => void;
}

/**
 * Collects the access lines of requests in frames, and sends these to the control process. While it does not keep up, a bounded number
 * of frames waits here and not in the channel, so that other messages are not late. Lines that do not fit are lost and counted.
 */
export class AccessLines {
  readonly #channel: AccessLinesParts["channel"];
  readonly #onLost: (lines: number) => void;
  /** The frame that is being filled. */
  #buffer: Buffer | undefined;
  #end = LINES_HEADER_BYTES;
  #lines = 0;
  #waiting: LinesFrame[] = [];
  /** How many frames were sent since the last heartbeat. */
  #sentFrames = 0;
  #isAwaitingDrain = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ channel, onLost }: AccessLinesParts) {
    this.#channel = channel;
    this.#onLost = onLost;
  }

  /** `line` ends with a line break, and each of its characters stands for one byte. */
  add(line: string): void {
    if (this.#end + line.length > MAX_LINES_FRAME_BYTES) this.flush();
    const isTooLong = LINES_HEADER_BYTES + line.length > MAX_LINES_FRAME_BYTES;
    if (isTooLong || this.#waiting.length >= MAX_WAITING_FRAMES) {
      this.#onLost(1);
      return;
    }
    this.#buffer ??= Buffer.allocUnsafeSlow(MAX_LINES_FRAME_BYTES);
    this.#end += this.#buffer.write(line, this.#end, "latin1");
    this.#lines += 1;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Sends what was collected, or lets it wait. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#buffer !== undefined && this.#lines > 0) {
      this.#waiting.push({ buffer: this.#buffer, end: this.#end, lines: this.#lines });
      this.#buffer = undefined;
      this.#end = LINES_HEADER_BYTES;
      this.#lines = 0;
    }
    this.#send();
  }

  /** Must be called once a second. */
  beat(): void {
    this.#sentFrames = 0;
    this.#send();
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#sentFrames < MAX_LINES_FRAMES_PER_SECOND) {
      if (this.#channel.waitingBytes >= MAX_BYTES_IN_CHANNEL) {
        this.#awaitDrain();
        return;
      }
      const frame = this.#waiting.shift();
      if (frame !== undefined) this.#sendFrame(frame);
    }
  }

  #sendFrame({ buffer, end, lines }: LinesFrame): void {
    this.#sentFrames += 1;
    if (this.#channel.sendLines(buffer.subarray(0, end)) !== "sent") this.#onLost(lines);
    // The kernel has copied all of it.
    if (this.#channel.waitingBytes === 0) this.#buffer ??= buffer;
  }

  #awaitDrain(): void {
    if (this.#isAwaitingDrain) return;
    this.#isAwaitingDrain = true;
    const goOn = (): void => {
      this.#isAwaitingDrain = false;
      this.#send();
    };
    this.#channel.untilDrained().then(goOn, goOn);
  }
}
