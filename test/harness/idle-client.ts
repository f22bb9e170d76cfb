import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { FLAG, FRAME } from "#dataplane/http/h2/frames.ts";
import { withDeadline } from "./deadline.ts";
import { frameOf, headersOf, PREFACE, requestFieldsOf } from "./http2-client.ts";

const NOTHING = Buffer.alloc(0);
const answerDeadlineMs = 30_000;
const get = requestFieldsOf({ ":authority": "shop.example" });

export interface IdleClientOptions {
  readonly host: string;
  readonly port: number;
  readonly protocol: "http/1.1" | "h2";
  /** Shared by all clients, because each would take some 10 KB. */
  readonly secureContext: SecureContext;
}

/** A client that makes requests for `/` now and then, and keeps little, so that a test can have thousands of them. */
export class IdleClient {
  readonly #isHttp2: boolean;
  readonly #socket: TLSSocket;
  #received = NOTHING;
  #nextStreamId = 1;
  #answered: ((body: string) => void) | undefined;
  #broken: ((error: Error) => void) | undefined;
  #body = "";
  /** When the last answer was whole, and when the connection ended. Undefined before. */
  answeredAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Whether the server has asked for no more requests on the connection. */
  wasDrained = false;
  /** The code of what has broken the connection. Undefined if nothing has. */
  failure: string | undefined;

  private constructor(isHttp2: boolean, socket: TLSSocket) {
    this.#isHttp2 = isHttp2;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      if (isHttp2) this.#readFrames();
      else this.#readAnswer();
    });
    socket.on("end", () => {
      this.endedAtMs ??= Date.now();
    });
    socket.on("error", (error: Error & { readonly code?: string }) => {
      this.failure ??= error.code ?? error.message;
    });
    socket.on("close", () => {
      this.endedAtMs ??= Date.now();
      this.#broken?.(new Error(`the connection has ended: ${this.failure ?? "in order"}`));
    });
  }

  static async connect({
    host,
    port,
    protocol,
    secureContext,
  }: IdleClientOptions): Promise<IdleClient> {
    const socket = connect({
      ...{ host, port, secureContext, servername: "shop.example", rejectUnauthorized: false },
      ALPNProtocols: [protocol],
    });
    const client = new IdleClient(protocol === "h2", socket);
    const secured = new Promise((resolve, reject) => {
      socket.once("secureConnect", resolve).once("error", reject);
    });
    await withDeadline(secured, answerDeadlineMs, "a handshake");
    if (protocol === "h2") {
      const settings = frameOf(FRAME.settings, 0, 0);
      socket.write(Buffer.concat([PREFACE, settings, frameOf(FRAME.settings, FLAG.ack, 0)]));
    }
    return client;
  }

  /** Makes a request. Resolves with the body of the answer, and rejects if the connection ends before. */
  async ask(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#answered = resolve;
    this.#broken = reject;
    this.#body = "";
    if (this.#isHttp2) {
      this.#socket.write(headersOf(this.#nextStreamId, get));
      this.#nextStreamId += 2;
    } else this.#socket.write("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
    const body = await withDeadline(promise, answerDeadlineMs, "an answer");
    this.answeredAtMs = Date.now();
    return body;
  }

  /** Answers must have a length. */
  #readAnswer(): void {
    const text = this.#received.toString("latin1");
    const end = text.indexOf("\r\n\r\n") + 4;
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1]);
    if (end < 4 || text.length < end + length) return;
    this.#received = NOTHING;
    if (/^connection: close/im.test(text)) this.wasDrained = true;
    this.#answered?.(text.slice(end));
  }

  #readFrames(): void {
    for (;;) {
      const bytes = this.#received;
      const length = bytes.length < 9 ? 0 : bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) return;
      const [type = 0, flags = 0] = bytes.subarray(3);
      const payload = bytes.subarray(9, 9 + length);
      // A copy, because the rest of a chunk would keep the whole of it.
      this.#received = Buffer.from(bytes.subarray(9 + length));
      if (type === FRAME.goaway) this.wasDrained = true;
      if (type === FRAME.ping && (flags & FLAG.ack) === 0) {
        this.#socket.write(frameOf(FRAME.ping, FLAG.ack, 0, payload));
      }
      if (type === FRAME.data) this.#body += payload.toString("latin1");
      const endsStream = type === FRAME.data || type === FRAME.headers;
      if (endsStream && (flags & FLAG.endStream) !== 0) this.#answered?.(this.#body);
      if (bytes.length === 9 + length) return;
    }
  }

  drop(): void {
    this.#broken = undefined;
    this.#socket.destroy();
  }
}
