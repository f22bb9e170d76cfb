import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders, sensitiveHeaders } from "node:http2";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it } from "node:test";
import { CollectingSink } from "#harness/field-blocks.ts";
import { frameOf, PREFACE } from "#harness/http2-client.ts";
import { FLAG, FRAME } from "../frames.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";

const MAX_TABLE_BYTES = 4_096;
const latin1 = Array.from({ length: 0x60 }, (_, index) => String.fromCharCode(0xa0 + index)).join(
  "",
);
const printable = Array.from({ length: 0x5d }, (_, index) =>
  String.fromCharCode(0x21 + index),
).join("");

const REQUESTS: readonly Readonly<Record<string, string>>[] = [
  { ":path": "/", accept: "*/*", "user-agent": "test/1.0 (X11; Linux x86_64)" },
  { ":path": "/", accept: "*/*", "user-agent": "test/1.0 (X11; Linux x86_64)", "x-first": "1" },
  { ":path": "/a?b=c", accept: "text/html", "x-first": "1", cookie: "secret=1" },
  { ":path": "/long", "x-long": "abcdefgh".repeat(400), "x-after": "" },
  { ":path": "/long", "x-other": "0123456789".repeat(300), accept: "*/*" },
  { ":path": "/bytes", "x-printable": printable },
  { ":path": "/bytes", "x-latin1": latin1, "x-printable": printable },
];

/** A server that decodes the requests of a client and answers each with the fields of the request, with an `x-` before them. */
class EchoServer {
  readonly requests: (readonly string[])[] = [];
  readonly #decoder = new HpackDecoder(MAX_TABLE_BYTES);
  readonly #encoder = new HpackEncoder();
  readonly #socket: Socket;
  #kept = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.write(frameOf(FRAME.settings, 0, 0));
  }

  #read(data: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, data]);
    if (this.#kept.length < PREFACE.length) return;
    let at = this.#kept.subarray(0, 3).equals(PREFACE.subarray(0, 3)) ? PREFACE.length : 0;
    while (this.#kept.length >= at + 9) {
      const end = at + 9 + this.#kept.readUIntBE(at, 3);
      if (end > this.#kept.length) break;
      this.#take(this.#kept.subarray(at, end));
      at = end;
    }
    this.#kept = this.#kept.subarray(at);
  }

  #take(frame: Buffer): void {
    const [type = 0, flags = 0] = frame.subarray(3);
    if (type === FRAME.settings && (flags & FLAG.ack) === 0) {
      for (let at = 9; at < frame.length; at += 6) {
        if (frame.readUInt16BE(at) === 1) this.#encoder.limitTable(frame.readUInt32BE(at + 2));
      }
      this.#socket.write(frameOf(FRAME.settings, FLAG.ack, 0));
    }
    if (type !== FRAME.headers) return;
    const from = 9 + ((flags & FLAG.priority) === 0 ? 0 : 5);
    const sink = new CollectingSink();
    assert.equal(this.#decoder.decode(frame, from, frame.length, sink), "whole");
    this.requests.push(sink.lines);
    this.#answer(frame.readUInt32BE(5), sink.lines);
  }

  #answer(streamId: number, lines: readonly string[]): void {
    const output = { bytes: Buffer.alloc(16_384), length: 0 };
    this.#encoder.begin(output);
    this.#encoder.status(output, streamId % 3 === 0 ? 200 : 418);
    for (const line of lines) {
      const [name = "", value = ""] = line.replace(/^\*?:?/, "X-").split(": ");
      if (streamId % 4 === 1) this.#encoder.text(output, name.toLowerCase(), value);
      else {
        const bytes = Buffer.from(name + value, "latin1");
        this.#encoder.field(output, bytes, 0, name.length, name.length, bytes.length);
      }
    }
    const block = output.bytes.subarray(0, output.length);
    this.#socket.write(frameOf(FRAME.headers, FLAG.endHeaders | FLAG.endStream, streamId, block));
  }
}

/** Sends all requests over one connection, one after the other. Returns what the server has read and the client got. */
async function exchange(headerTableSize: number): Promise<{
  readonly requests: readonly (readonly string[])[];
  readonly answers: readonly IncomingHttpHeaders[];
}> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize } });
  const [socket] = (await once(server, "connection")) as [Socket];
  const echo = new EchoServer(socket);
  const answers: IncomingHttpHeaders[] = [];
  try {
    for (const request of REQUESTS) {
      const stream = client.request({ ...request, [sensitiveHeaders]: ["cookie"] });
      // The second request depends on the table after the first one.
      // oxlint-disable-next-line no-await-in-loop
      const [answer] = (await once(stream, "response")) as [IncomingHttpHeaders];
      stream.close();
      answers.push(answer);
    }
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
  return { requests: echo.requests, answers };
}

describe("the encoder and decoder of node:http2", () => {
  for (const headerTableSize of [4_096, 0, 65_536]) {
    it(
      `understand ours with a table of ${headerTableSize} bytes`,
      { timeout: 20_000 },
      async () => {
        const { requests, answers } = await exchange(headerTableSize);
        assert.equal(requests.length, REQUESTS.length);
        for (const [index, request] of REQUESTS.entries()) {
          const lines = requests[index] ?? [];
          for (const [name, value] of Object.entries(request)) {
            assert.ok(
              lines.some((line) => line.replace(/^\*/, "") === `${name}: ${value}`),
              name,
            );
            const answered = answers[index]?.[`x-${name.replace(":", "")}`];
            assert.equal(answered, value);
          }
        }
        assert.ok(requests[2]?.includes("*cookie: secret=1"));
      },
    );
  }
});
