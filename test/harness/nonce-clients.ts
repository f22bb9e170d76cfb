import { Agent, Pool, WebSocket } from "undici";
import { NONCE } from "./nonce-endpoint.ts";
import { codeOf, NonceJudge, type NonceClientOptions } from "./nonce-judge.ts";
import { tlsConnect } from "./tls-client.ts";

/** How many requests a pipelining client sends at once. */
const PIPELINED = 8;
const messageDeadlineMs = 10_000;
const connect = { rejectUnauthorized: false, servername: "shop.example" };

/** A client that makes requests with nonces until it is told to stop, and judges each answer. */
export class NonceClient {
  readonly #options: NonceClientOptions;
  readonly #name: string;
  readonly #judge: NonceJudge;

  constructor(name: string, options: NonceClientOptions) {
    this.#name = name;
    this.#options = options;
    this.#judge = new NonceJudge(name, options);
  }

  /** Requests over the kept connections of undici, of all methods. */
  async keepAlive(): Promise<void> {
    const { target, signal } = this.#options;
    const pool = new Pool(`https://${target.host}:${target.port}`, { connections: 2, connect });
    while (!signal.aborted) await this.#ask(pool);
    await pool.destroy();
  }

  async #ask(pool: Pool): Promise<void> {
    const nonce = this.#judge.nonce();
    const method = (["GET", "POST", "HEAD", "GET"] as const)[this.#judge.count % 4] ?? "GET";
    const body = method === "POST" ? "b".repeat(this.#judge.count % 3_000) : null;
    const beganMs = Date.now();
    try {
      const headers = { [NONCE]: nonce, host: "shop.example" };
      const answer = await pool.request({ path: "/", method, headers, body });
      const text = await answer.body.text();
      if (answer.statusCode === 200) {
        const wanted = method === "HEAD" ? "" : `${nonce} ${body ?? ""}`;
        this.#judge.answered(nonce, method, String(answer.headers[NONCE]), text === wanted);
      } else this.#judge.failed(nonce, beganMs, method, `${answer.statusCode}`);
    } catch (error) {
      this.#judge.failed(nonce, beganMs, method, codeOf(error));
    }
  }

  /** One request a connection. */
  async oneByOne(): Promise<void> {
    await this.#rawly(1);
  }

  /** Several requests are sent at once, and answered in order. */
  async pipelining(): Promise<void> {
    await this.#rawly(PIPELINED);
  }

  async #rawly(many: number): Promise<void> {
    const { target, signal } = this.#options;
    while (!signal.aborted) {
      const nonces = Array.from({ length: many }, () => this.#judge.nonce());
      const beganMs = Date.now();
      let at = 0;
      try {
        await using client = await tlsConnect(target);
        const requests = nonces.map((nonce, index) => {
          const close = index === many - 1 ? "connection: close\r\n" : "";
          return `GET / HTTP/1.1\r\nhost: shop.example\r\n${NONCE}: ${nonce}\r\n${close}\r\n`;
        });
        await client.send(requests.join(""));
        for (const nonce of nonces) {
          const head = await client.read.until("\r\n\r\n");
          const status = head.split(" ", 2)[1];
          const length = /^content-length: (\d+)/im.exec(head)?.[1];
          const body =
            length === undefined
              ? (await client.read.until("0\r\n\r\n")).split("\r\n")[1]
              : (await client.read.bytes(Number(length))).toString();
          at += 1;
          if (status !== "200") this.#judge.failed(nonce, beganMs, "GET", status ?? head);
          else this.#judge.answered(nonce, "GET", fieldOf(head), body === `${nonce} `);
          // After this answer, the director closes the connection and the rest is not sent.
          if (/^connection: close/im.test(head)) break;
        }
        const rest = await client.read.toEnd();
        if (rest.length > 0)
          this.#judge.wrong(`${this.#name}: more answers than requests: ${rest.toString()}`);
      } catch (error) {
        const nonce = nonces[at];
        if (nonce !== undefined) this.#judge.failed(nonce, beganMs, "GET", codeOf(error));
        at += 1;
      }
      for (const nonce of nonces.slice(at)) this.#judge.unsent(nonce, "after the last answer");
    }
  }

  /** Messages over WebSockets, a new one after some messages. */
  async webSocket(): Promise<void> {
    const { target, signal, tally } = this.#options;
    const dispatcher = new Agent({ connect });
    while (!signal.aborted) {
      const beganMs = Date.now();
      const socket = new WebSocket(`wss://${target.host}:${target.port}/`, { dispatcher });
      try {
        await eventOf(socket, "open");
        for (let count = 0; count < 200 && !signal.aborted; count += 1) {
          const nonce = this.#judge.nonce();
          const next = eventOf(socket, "message");
          socket.send(nonce);
          const { data } = (await next) as unknown as { readonly data: unknown };
          if (data !== nonce) this.#judge.wrong(`${nonce}: the WebSocket has got ${String(data)}`);
          tally.answered += 1;
        }
      } catch (error) {
        this.#judge.failed(`${this.#name}-socket`, beganMs, "GET", codeOf(error));
      }
      socket.close();
    }
    await dispatcher.destroy();
  }
}

const fieldOf = (head: string): string =>
  new RegExp(`^${NONCE}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "none";

/** The next event of this name. Rejects if the WebSocket closes or fails before. */
async function eventOf(socket: WebSocket, name: "open" | "message"): Promise<Event> {
  const stop = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<Event>();
  const once = { once: true, signal: stop.signal };
  socket.addEventListener(name, resolve as (event: unknown) => void, once);
  for (const end of ["close", "error"] as const) {
    socket.addEventListener(end, () => reject(new Error(`the WebSocket: ${end}`)), once);
  }
  const timer = setTimeout(() => reject(new Error("no event of the WebSocket")), messageDeadlineMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
