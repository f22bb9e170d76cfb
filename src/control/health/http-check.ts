import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import { failed, type CheckResult } from "./check-result.ts";
import type { CheckHttp } from "./check-settings.ts";
import { TextSearch } from "./text-search.ts";

/** So much of a body is searched for the expected text. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;
/** So much is read for a check: heads, body, and what divides the body into chunks. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** So many pieces of a body may come, because the parser calls back for each. */
const MAX_CHUNKS = 4_096;
/** So many interim responses may come before the final one. */
const MAX_INTERIM = 8;
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
  const before = socket.bytesRead;
  socket.on("readable", () => {
    if (socket.bytesRead - before <= MAX_ANSWER_BYTES) return;
    answered(failed("bad-answer"));
    socket.destroy();
  });
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
  /** Undefined if the body need not be read. */
  readonly #search: TextSearch | undefined;
  #interim = 0;
  #status = 0;
  #bodyBytes = 0;
  #chunks = 0;

  constructor(check: CheckHttp, answered: (result: CheckResult) => void) {
    this.#check = check;
    this.#answered = answered;
    this.#search = check.body === undefined ? undefined : new TextSearch(Buffer.from(check.body));
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return this.#noteInterim(controller);
    this.#status = status;
    const ranges = this.#check.status;
    if (!ranges.some(([first, last]) => status >= first && status <= last)) {
      const expected = ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`));
      const text = `The health check got status ${status}, and expects ${expected.join(", ")}.`;
      return this.#end(controller, { isUp: false, failure: "wrong-status", text, status });
    }
    if (this.#search === undefined) this.#end(controller, { isUp: true, status });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#search === undefined) return;
    this.#chunks += 1;
    if (this.#chunks > MAX_CHUNKS) return this.#end(controller, failed("bad-answer"));
    const searched = chunk.subarray(0, MAX_BODY_BYTES - this.#bodyBytes);
    this.#bodyBytes += searched.length;
    if (this.#search.finds(searched)) this.#end(controller, { isUp: true, status: this.#status });
    else if (this.#bodyBytes === MAX_BODY_BYTES) this.#end(controller, this.#lacksText());
  }

  onResponseEnd(): void {
    this.#answered(this.#lacksText());
  }

  onResponseError(): void {
    this.#answered(failed("bad-answer"));
  }

  /** An interim response (RFC 9110 section 15.2) is followed by the final one. */
  #noteInterim(controller: Dispatcher.DispatchController): void {
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM) this.#end(controller, failed("bad-answer"));
  }

  /** Ends the request, so that nothing more of the answer is parsed. */
  #end(controller: Dispatcher.DispatchController, result: CheckResult): void {
    this.#answered(result);
    controller.abort(new Error("The check has its result."));
  }

  #lacksText(): CheckResult {
    const status = this.#status;
    const text = `The health check got status ${status}, but the first 64 KiB of the body do not contain the text that it expects.`;
    return { isUp: false, failure: "wrong-body", text, status };
  }
}
