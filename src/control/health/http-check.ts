import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import { failed, type CheckResult } from "./check-result.ts";
import type { CheckHttp } from "./check-settings.ts";

/** So much of a body is searched for the expected text. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;
/** undici needs an origin. It never connects to it, because it is given the connection. */
const ORIGIN = new URL("http://endpoint");

/**
 * Sends the request of a check on an open connection and calls `answered` with the result. It has no deadline of its own: the caller
 * closes the connection. undici follows no redirects by itself, and is given the connection, so that no proxy of the environment and no
 * other host can come in between.
 */
export function askOverHttp(
  socket: Socket,
  host: string,
  check: CheckHttp,
  answered: (result: CheckResult) => void,
): void {
  let isUsed = false;
  const client = new Client(ORIGIN, {
    connect: (_options, callback) => {
      const again = isUsed;
      isUsed = true;
      // undici does not expect the connection before this function has returned.
      queueMicrotask(() => {
        if (again) callback(new Error("A check has one connection."), null);
        else callback(null, socket);
      });
    },
    pipelining: 1,
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  socket.once("close", () => client.destroy(null, () => undefined));
  client.dispatch(
    {
      method: check.method,
      path: check.path,
      headers: { host, "user-agent": "tlsd-health-check", accept: "*/*" },
      reset: true,
    },
    new Answer(check, answered),
  );
}

/** The part of the answer that decides the result. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #check: CheckHttp;
  readonly #answered: (result: CheckResult) => void;
  readonly #expected: Buffer | undefined;
  #status = 0;
  #body = Buffer.alloc(0);

  constructor(check: CheckHttp, answered: (result: CheckResult) => void) {
    this.#check = check;
    this.#answered = answered;
    this.#expected = check.body === undefined ? undefined : Buffer.from(check.body);
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    // An interim response (RFC 9110 section 15.2) is followed by the final one.
    if (status < 200) return;
    this.#status = status;
    const ranges = this.#check.status;
    if (!ranges.some(([first, last]) => status >= first && status <= last)) {
      const expected = ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`));
      const text = `The health check got status ${status}, and expects ${expected.join(", ")}.`;
      return this.#answered({ isUp: false, failure: "wrong-status", text, status });
    }
    if (this.#expected === undefined) this.#answered({ isUp: true, status });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#expected === undefined) return;
    const before = this.#body.length;
    this.#body = Buffer.concat([this.#body, chunk.subarray(0, MAX_BODY_BYTES - before)]);
    // The text may begin in an earlier chunk.
    const from = Math.max(0, before - this.#expected.length);
    if (this.#body.includes(this.#expected, from)) {
      this.#answered({ isUp: true, status: this.#status });
    } else if (this.#body.length === MAX_BODY_BYTES) this.#lacksText();
  }

  onResponseEnd(): void {
    this.#lacksText();
  }

  onResponseError(): void {
    this.#answered(failed("bad-answer"));
  }

  #lacksText(): void {
    const status = this.#status;
    const text = `The health check got status ${status}, but the first 64 KiB of the body do not contain the text that it expects.`;
    this.#answered({ isUp: false, failure: "wrong-body", text, status });
  }
}
