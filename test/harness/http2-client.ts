import { FLAG, FRAME, writeFrameHead } from "#dataplane/http/h2/frames.ts";
import { HpackDecoder } from "#dataplane/http/h2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "#dataplane/http/h2/hpack/hpack-encoder.ts";
import type { MemoryHttp } from "./memory-http.ts";
import type { MemoryPeer } from "./memory-plane.ts";
import { untilQuiet } from "./virtual-clock.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const NOTHING = Buffer.alloc(0);

/** A frame as a client gets it. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** Returns a frame as bytes. */
export function frameOf(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer | string = NOTHING,
): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(9), Buffer.from(payload as string, "latin1")]);
  writeFrameHead(bytes, 0, bytes.length - 9, type, flags, streamId);
  return bytes;
}

/** Returns `count` frames, each for its number from 0 on, as bytes. */
export const many = (count: number, frame: (number: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, number) => frame(number)));

export const settingsOf = (
  ...entries: readonly (readonly [id: number, value: number])[]
): Buffer => {
  const payload = Buffer.alloc(6 * entries.length);
  for (const [index, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  }
  return frameOf(FRAME.settings, 0, 0, payload);
};

export function uint32Of(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const windowUpdateOf = (streamId: number, increment: number): Buffer =>
  frameOf(FRAME.windowUpdate, 0, streamId, uint32Of(increment));

export const resetOf = (streamId: number, code: number): Buffer =>
  frameOf(FRAME.rstStream, 0, streamId, uint32Of(code));

/** Returns fields as a block of literals. Names and values may have any characters up to U+00FF. */
export function blockOf(fields: Pairs): Buffer {
  const output = { bytes: Buffer.alloc(300_000), length: 0 };
  const encoder = new HpackEncoder();
  for (const [name, value] of fields) encoder.text(output, name, value);
  return Buffer.from(output.bytes.subarray(0, output.length));
}

/** Returns the fields of a request, of which `more` replaces or follows the usual ones. An undefined value removes one. */
export function requestFieldsOf(more: Readonly<Record<string, string | undefined>> = {}): Pairs {
  const fields = { ":method": "GET", ":scheme": "https", ":path": "/", ":authority": "a", ...more };
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
}

/** Returns a HEADERS frame that ends its block. */
export const headersOf = (
  streamId: number,
  fields: Pairs,
  flags: number = FLAG.endStream,
): Buffer => frameOf(FRAME.headers, flags | FLAG.endHeaders, streamId, blockOf(fields));

export const dataOf = (streamId: number, payload: string, flags = 0): Buffer =>
  frameOf(FRAME.data, flags, streamId, payload);

/** Reads what a server sends as frames. Throws if it is not. */
export function framesOf(bytes: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    if (length > 16_384 || at + 9 + length > bytes.length) throw new Error("a frame is cut off");
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      streamId: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** Returns the field blocks of all streams, each as its id and lines. */
export function blocksOf(
  frames: readonly Frame[],
): readonly (readonly [streamId: number, lines: readonly string[]])[] {
  const decoder = new HpackDecoder(4_096);
  let block: Buffer = NOTHING;
  return frames.flatMap(({ type, flags, streamId, payload }) => {
    if (type !== FRAME.headers && type !== FRAME.continuation) return [];
    block = Buffer.concat([block, payload]);
    if ((flags & FLAG.endHeaders) === 0) return [];
    const lines: string[] = [];
    decoder.decode(block, 0, block.length, {
      field(bytes, start, _nameEnd, _valueStart, end) {
        lines.push(bytes.toString("latin1", start, end));
        return true;
      },
    });
    block = NOTHING;
    return [[streamId, lines] as const];
  });
}

/** A client of HTTP/2 on the wire in memory, which sends what a test wants. */
export class Http2Client {
  readonly peer: MemoryPeer;

  constructor(peer: MemoryPeer) {
    this.peer = peer;
  }

  /** Connects, and sends preface, SETTINGS and what follows at once. */
  static async connect(http: MemoryHttp, ...frames: readonly Buffer[]): Promise<Http2Client> {
    const client = new Http2Client(await http.connect("h2"));
    await client.send(
      PREFACE,
      frameOf(FRAME.settings, 0, 0),
      frameOf(FRAME.settings, FLAG.ack, 0),
      ...frames,
    );
    return client;
  }

  /** Sends the frames at once, and resolves when all that follows has happened. */
  async send(...frames: readonly Buffer[]): Promise<void> {
    this.peer.socket.write(Buffer.concat(frames));
    await untilSent();
  }

  /** Returns all frames that the client has got. */
  frames(): readonly Frame[] {
    return framesOf(Buffer.from(this.peer.received, "latin1"));
  }

  framesOfType(type: number, streamId?: number): readonly Frame[] {
    return this.frames().filter(
      (frame) => frame.type === type && (streamId === undefined || frame.streamId === streamId),
    );
  }

  /** Returns the body of the answer on a stream. */
  bodyOf(streamId: number): string {
    return Buffer.concat(
      this.framesOfType(FRAME.data, streamId).map(({ payload }) => payload),
    ).toString("latin1");
  }

  /** Returns the field blocks of all streams, each as its id and lines. */
  blocks(): ReturnType<typeof blocksOf> {
    return blocksOf(this.frames());
  }

  /** Returns the field lines of the first block on a stream. */
  headOf(streamId: number): readonly string[] {
    return this.blocks().find(([id]) => id === streamId)?.[1] ?? [];
  }

  /** Returns the codes of RST_STREAM on a stream. */
  resetsOf(streamId: number): readonly number[] {
    return this.framesOfType(FRAME.rstStream, streamId).map(({ payload }) =>
      payload.readUInt32BE(),
    );
  }

  /** Returns the last stream and the code of each GOAWAY. */
  goaways(): readonly (readonly [lastStreamId: number, code: number])[] {
    return this.framesOfType(FRAME.goaway).map(
      ({ payload }) => [payload.readUInt32BE(), payload.readUInt32BE(4)] as const,
    );
  }
}

/** Resolves when what was collected in this turn has been sent and read. */
export async function untilSent(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    // One turn follows the other.
    // oxlint-disable-next-line no-await-in-loop
    await untilQuiet();
  }
}
