import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { runToExit } from "./child-process.ts";
import { NONCE } from "./nonce-endpoint.ts";
import { codeOf, NonceJudge, type NonceClientOptions } from "./nonce-judge.ts";

const STREAMS_AT_ONCE = 8;
/** After so many requests, a client makes a new session. */
const REQUESTS_A_SESSION = 1_000;
const REQUESTS_OF_CURL = 20;
const REQUESTS_OF_H2LOAD = 200;
/** What ends the output of curl for a request. No body has it. */
const RECORD_END = "\u001E";
const requestDeadlineMs = 10_000;
const { NGHTTP2_REFUSED_STREAM } = constants;

/** A session, and how far its end is known. */
interface OpenSession {
  readonly session: ClientHttp2Session;
  /** Whether the director has asked for no more streams. */
  wasDrained: boolean;
}

/** A client that makes requests over HTTP/2 with nonces until it is told to stop, and judges each answer. */
export class NonceHttp2Client {
  readonly #options: NonceClientOptions;
  readonly #judge: NonceJudge;
  readonly #name: string;

  constructor(name: string, options: NonceClientOptions) {
    this.#options = options;
    this.#name = name;
    this.#judge = new NonceJudge(name, options);
  }

  get #origin(): string {
    const { host, port } = this.#options.target;
    return `https://${host}:${port}`;
  }

  /** Requests of all methods over sessions of node:http2, many at once. */
  async sessions(): Promise<void> {
    const { target, signal } = this.#options;
    while (!signal.aborted) {
      const session = connect(this.#origin, { ...target, ALPNProtocols: ["h2"] });
      const open: OpenSession = { session, wasDrained: false };
      // What happened is judged by the requests.
      session.on("error", () => undefined);
      session.on("goaway", () => {
        open.wasDrained = true;
      });
      let left = REQUESTS_A_SESSION;
      const askInTurn = async (): Promise<void> => {
        while (!signal.aborted && !session.closed && !session.destroyed && left > 0) {
          left -= 1;
          // oxlint-disable-next-line no-await-in-loop
          await this.#ask(open);
        }
      };
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(Array.from({ length: STREAMS_AT_ONCE }, askInTurn));
      session.destroy();
    }
  }

  async #ask(open: OpenSession): Promise<void> {
    const nonce = this.#judge.nonce();
    const { count } = this.#judge;
    const method = (["GET", "POST", "HEAD", "GET"] as const)[count % 4] ?? "GET";
    const body = method === "POST" ? "b".repeat(count % 3_000) : "";
    const beganMs = Date.now();
    let stream: ClientHttp2Stream | undefined;
    try {
      stream = open.session.request({
        ":method": method,
        ":path": "/",
        ":authority": this.#options.target.servername ?? "",
        [NONCE]: nonce,
      });
      const { fields, text } = await answerOn(stream, body);
      const status = String(fields[":status"]);
      if (status === "200") {
        const wanted = method === "HEAD" ? "" : `${nonce} ${body}`;
        this.#judge.answered(nonce, method, String(fields[NONCE]), text === wanted);
      } else if (status === "421") {
        this.#judge.unsent(nonce, "and answered with 421");
        if (!open.wasDrained) this.#judge.wrong(`${nonce}: got 421 without GOAWAY`);
      } else this.#judge.failed(nonce, beganMs, method, status);
    } catch (error) {
      if (stream?.rstCode === NGHTTP2_REFUSED_STREAM) this.#judge.unsent(nonce, "and refused");
      else if (stream === undefined) this.#judge.unsent(nonce, "before it was sent");
      else this.#judge.failed(nonce, beganMs, method, codeOf(error));
    }
  }

  /** Several requests of curl, one after the other on one connection. */
  async curl(): Promise<void> {
    while (!this.#options.signal.aborted) {
      const nonces = Array.from({ length: REQUESTS_OF_CURL }, () => this.#judge.nonce());
      const beganMs = Date.now();
      const requests = nonces.flatMap((nonce, at) => [
        ...(at === 0 ? [] : ["--next"]),
        ...["-sk", "--http2", "--max-time", "10", "-H", `${NONCE}: ${nonce}`],
        ...["-w", `|%{http_code} %header{${NONCE}}${RECORD_END}`, `${this.#origin}/`],
      ]);
      // oxlint-disable-next-line no-await-in-loop
      const { stdout } = await runToExit("curl", requests);
      const answers = stdout.split(RECORD_END);
      for (const [at, nonce] of nonces.entries()) {
        const [body = "", seen = ""] = answers[at]?.split("|") ?? [];
        const [status = "none", field = ""] = seen.split(" ");
        if (status !== "200") this.#judge.failed(nonce, beganMs, "GET", status);
        else this.#judge.answered(nonce, "GET", field, body === `${nonce} `);
      }
    }
  }

  /** A request of nghttp, on a connection of its own. */
  async nghttp(): Promise<void> {
    while (!this.#options.signal.aborted) {
      const nonce = this.#judge.nonce();
      const beganMs = Date.now();
      const flags = ["-vt", "10", "--no-dep", "-H", `${NONCE}: ${nonce}`, `${this.#origin}/`];
      // oxlint-disable-next-line no-await-in-loop
      const { stdout } = await runToExit("nghttp", flags);
      const [, status = "none"] = /recv \(stream_id=\d+\) :status: (\d+)/.exec(stdout) ?? [];
      const [, field = ""] = new RegExp(`recv .*\\) ${NONCE}: (\\S+)`).exec(stdout) ?? [];
      if (status !== "200") this.#judge.failed(nonce, beganMs, "GET", status);
      else this.#judge.answered(nonce, "GET", field, stdout.includes(`${nonce} [`));
    }
  }

  /** Many requests of h2load with the same nonce, so that only their number can be judged. */
  async h2load(): Promise<void> {
    const { arrivals, tally, wasDisturbedSince, signal } = this.#options;
    while (!signal.aborted) {
      const nonce = this.#judge.nonce();
      const beganMs = Date.now();
      const flags = [`-n${REQUESTS_OF_H2LOAD}`, "-c2", "-m10", "-H", `${NONCE}: ${nonce}`];
      // oxlint-disable-next-line no-await-in-loop
      const { stdout } = await runToExit("h2load", [...flags, `${this.#origin}/`]);
      const answered = Number(/(\d+) 2xx/.exec(stdout)?.[1]);
      const { times } = arrivals.take(nonce);
      tally.answered += answered;
      if (wasDisturbedSince(beganMs)) continue;
      if (answered !== REQUESTS_OF_H2LOAD || times < REQUESTS_OF_H2LOAD)
        this.#judge.wrong(`${this.#name}: ${answered} answers, ${times} arrivals: ${stdout}`);
    }
  }
}

/** Sends the body, and resolves with the answer. Rejects if the stream breaks off, or has no answer within the deadline. */
async function answerOn(
  stream: ClientHttp2Stream,
  body: string,
): Promise<{ readonly fields: IncomingHttpHeaders; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let fields: IncomingHttpHeaders = {};
  let text = "";
  let hasEnded = false;
  stream.setEncoding("utf8");
  stream.setTimeout(requestDeadlineMs, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.on("response", (head) => {
    fields = head;
  });
  stream.on("data", (part: string) => {
    text += part;
  });
  stream.on("end", () => {
    hasEnded = true;
  });
  stream.on("error", reject);
  stream.on("close", () => {
    if (hasEnded && fields[":status"] !== undefined) resolve();
    else reject(new Error(`closed with ${stream.rstCode}`));
  });
  stream.end(body === "" ? undefined : body);
  await promise;
  return { fields, text };
}
