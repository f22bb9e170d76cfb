import type { StreamSender } from "./stream-sender.ts";

const URGENCIES = 8;

/** The streams that have something to send and may send it, by urgency (RFC 9218 section 10). Those of the same urgency take turns. */
export class Scheduler {
  readonly #queues: (StreamSender[] | undefined)[] = Array.from({ length: URGENCIES });
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(stream: StreamSender): void {
    if (stream.isScheduled) return;
    stream.isScheduled = true;
    this.#count += 1;
    const queue = this.#queues[stream.urgency];
    if (queue === undefined) this.#queues[stream.urgency] = [stream];
    else queue.push(stream);
  }

  /** Removes and returns the stream that is next. */
  next(): StreamSender | undefined {
    if (this.#count === 0) return undefined;
    for (const queue of this.#queues) {
      const stream = queue?.shift();
      if (stream === undefined) continue;
      this.#count -= 1;
      stream.isScheduled = false;
      return stream;
    }
    return undefined;
  }
}
