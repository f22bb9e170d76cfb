import { FLAG, FRAME } from "#dataplane/http/h2/frames.ts";
import { eventually } from "./deadline.ts";
import { blocksOf, frameOf, PREFACE, type Frame } from "./http2-client.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "./tls-client.ts";

/** A read waits for frames until the test ends. */
const READ_MS = 3_600_000;

interface Http2SocketOptions extends TlsConnectOptions {
  /** Whether the client takes what the server sends. It does unless told. */
  readonly reads?: boolean;
}

/** A client of HTTP/2 over TLS that sends what a test wants, and keeps the frames that it gets. */
export class Http2Socket implements AsyncDisposable {
  readonly tls: TlsClient;
  readonly frames: Frame[] = [];
  /** How the connection has ended: `end`, or the code of the error. Undefined while it is open. */
  ended: string | undefined;

  private constructor(tls: TlsClient) {
    this.tls = tls;
  }

  /** Connects, and sends preface, SETTINGS and what follows at once. */
  static async connect(
    { reads = true, ...options }: Http2SocketOptions,
    ...frames: readonly Buffer[]
  ): Promise<Http2Socket> {
    const tls = await tlsConnect({ ...options, ALPNProtocols: ["h2"] });
    if (tls.facts.alpn !== "h2") throw new Error(`the connection speaks ${tls.facts.alpn}`);
    const client = reads ? Http2Socket.over(tls) : Http2Socket.#begun(tls);
    client.send(...frames);
    return client;
  }

  /** Speaks HTTP/2 on a connection that has negotiated it. */
  static over(tls: TlsClient): Http2Socket {
    const client = Http2Socket.#begun(tls);
    client.read();
    return client;
  }

  static #begun(tls: TlsClient): Http2Socket {
    const client = new Http2Socket(tls);
    client.send(PREFACE, frameOf(FRAME.settings, 0, 0), frameOf(FRAME.settings, FLAG.ack, 0));
    return client;
  }

  /** Starts to take what the server sends. */
  read(): void {
    this.#readAll().catch(async () => {
      this.ended = await this.tls.read.outcome().catch(() => "closed");
    });
  }

  async #readAll(): Promise<never> {
    const { read } = this.tls;
    for (;;) {
      const head = await read.bytes(9, READ_MS);
      const payload = await read.bytes(head.readUIntBE(0, 3), READ_MS);
      const [type = 0, flags = 0] = head.subarray(3);
      this.frames.push({ type, flags, streamId: head.readUInt32BE(5), payload });
    }
  }

  /** Sends the frames at once. What the server does not take any more is dropped. */
  send(...frames: readonly Buffer[]): void {
    if (this.ended === undefined) this.tls.socket.write(Buffer.concat(frames));
  }

  /** Sends the frames, and resolves when they have left, or the connection has ended. */
  async sent(...frames: readonly Buffer[]): Promise<void> {
    if (this.ended !== undefined) return;
    await this.tls.send(Buffer.concat(frames)).catch(() => undefined);
  }

  /** Returns the field lines of all heads, each with its stream. */
  heads(): ReturnType<typeof blocksOf> {
    return blocksOf(this.frames);
  }

  /** Returns the status of the answer on a stream, or undefined if it has none yet. */
  statusOf(streamId: number): string | undefined {
    return this.heads()
      .find(([id]) => id === streamId)?.[1][0]
      ?.slice(":status: ".length);
  }

  bodyOf(streamId: number): string {
    return Buffer.concat(
      this.frames
        .filter((frame) => frame.type === FRAME.data && frame.streamId === streamId)
        .map(({ payload }) => payload),
    ).toString("latin1");
  }

  /** Returns the code of RST_STREAM on a stream, or undefined. */
  resetOf(streamId: number): number | undefined {
    return this.frames
      .find((frame) => frame.type === FRAME.rstStream && frame.streamId === streamId)
      ?.payload.readUInt32BE();
  }

  /** Returns the last stream and the code of each GOAWAY. */
  goaways(): readonly (readonly [lastStreamId: number, code: number])[] {
    return this.frames
      .filter(({ type }) => type === FRAME.goaway)
      .map(({ payload }) => [payload.readUInt32BE(), payload.readUInt32BE(4)] as const);
  }

  /** Resolves when these streams have ended, or the connection has. */
  async untilEnded(streamIds: readonly number[], deadlineMs = 10_000): Promise<void> {
    await eventually(
      () =>
        this.ended !== undefined ||
        streamIds.every((id) =>
          this.frames.some(
            ({ type, flags, streamId }) =>
              streamId === id &&
              (type === FRAME.rstStream ||
                ((type === FRAME.headers || type === FRAME.data) &&
                  (flags & FLAG.endStream) !== 0)),
          ),
        ),
      deadlineMs,
      () => `the end of the streams ${streamIds.join()} in ${this.frames.length} frames`,
    );
  }

  /** Resolves with how the server has ended the connection. */
  untilClosed(deadlineMs = 10_000): Promise<string> {
    return eventually(() => this.ended, deadlineMs, "the end of the connection");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tls[Symbol.asyncDispose]();
  }
}
