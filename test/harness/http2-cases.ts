/**
 * The cases that a conforming server of HTTP/2 must pass, numbered as in the public suite h2spec, whose source is the text of the RFCs.
 * Each is what a client sends, and what it must get.
 */
import { ERROR, FLAG, FRAME, SETTING } from "#dataplane/http/h2/frames.ts";
import {
  blockOf,
  dataOf,
  frameOf,
  headersOf,
  requestFieldsOf,
  resetOf,
  settingsOf,
  uint32Of,
  windowUpdateOf,
} from "./http2-client.ts";

/** What a client gets in the end. */
export type Expected =
  | { readonly kind: "goaway"; readonly code: number }
  | { readonly kind: "reset"; readonly streamId: number; readonly code: number }
  | { readonly kind: "answer"; readonly streamId: number }
  /** The endpoint gets a request that contains this. */
  | { readonly kind: "request"; readonly text: string }
  /** The client gets a frame of this type with this payload, and the connection stays open. */
  | {
      readonly kind: "frame";
      readonly type: number;
      readonly flags: number;
      readonly payload: Buffer;
    }
  /** The lengths of the DATA frames. */
  | { readonly kind: "lengths"; readonly lengths: readonly number[] }
  /** The connection stays open, and no stream is reset. */
  | { readonly kind: "ignored" };

export interface Http2Case {
  readonly name: string;
  readonly frames: readonly Buffer[];
  /** What the client sends after the endpoint has answered. */
  readonly afterAnswer?: readonly Buffer[];
  readonly expected: Expected;
}

const goaway = (code: number): Expected => ({ kind: "goaway", code });
const reset = (code: number, streamId = 1): Expected => ({ kind: "reset", streamId, code });
const answer = (streamId = 1): Expected => ({ kind: "answer", streamId });
const ignored: Expected = { kind: "ignored" };
const { protocol, streamClosed, frameSize, flowControl, compression } = ERROR;

const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST" });
const block = blockOf(get);
/** A request whose stream stays open. */
const open = headersOf(1, post, 0);
const whole = headersOf(1, get);
const zeros = (length: number): Buffer => Buffer.alloc(length);
const headers = (flags: number, payload: Buffer, id = 1): Buffer =>
  frameOf(FRAME.headers, flags, id, payload);
const continuation = (flags: number, payload: Buffer, id = 1): Buffer =>
  frameOf(FRAME.continuation, flags, id, payload);
const priority = (id: number, dependsOn: number, weight = 15): Buffer =>
  frameOf(FRAME.priority, 0, id, Buffer.concat([uint32Of(dependsOn), Buffer.of(weight)]));
const padded = (length: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(length), payload, zeros(length)]);
const withPriority = (dependsOn: number, weight = 15): Buffer =>
  Buffer.concat([uint32Of(dependsOn), Buffer.of(weight), block]);
const { endStream, endHeaders } = FLAG;
const all = endStream | endHeaders;
const ping = Buffer.from("h2spec!!", "latin1");
const request = (more: Readonly<Record<string, string | undefined>>): Buffer =>
  headersOf(1, requestFieldsOf(more));
/** A request whose fields are in this order, and may be there twice. */
const fields = (...pairs: readonly (readonly [string, string])[]): Buffer =>
  headersOf(1, [...get, ...pairs]);
const raw = (...bytes: readonly number[]): Buffer =>
  headers(all, Buffer.concat([block, Buffer.from(bytes)]));
const trailers = (...pairs: readonly (readonly [string, string])[]): Buffer =>
  headersOf(1, pairs, endStream);

const one = (
  name: string,
  expected: Expected,
  frames: readonly Buffer[],
  afterAnswer?: readonly Buffer[],
): Http2Case => ({ name, expected, frames, ...(afterAnswer && { afterAnswer }) });

const generic: readonly Http2Case[] = [
  one("generic/1/1 the preface", ignored, []),
  one("generic/2/1 idle: PRIORITY", answer(), [priority(1, 0), whole]),
  one("generic/2/2 half-closed (remote): WINDOW_UPDATE", answer(), [whole, windowUpdateOf(1, 1)]),
  one("generic/2/3 half-closed (remote): PRIORITY", answer(), [whole, priority(1, 0)]),
  one("generic/2/4 half-closed (remote): RST_STREAM", ignored, [whole, resetOf(1, ERROR.cancel)]),
  one("generic/2/5 closed: PRIORITY", answer(), [whole], [priority(1, 0)]),
  one("generic/3.1/1 DATA", answer(), [open, dataOf(1, "test", endStream)]),
  one("generic/3.1/2 several DATA", answer(), [open, dataOf(1, "te"), dataOf(1, "st", endStream)]),
  one("generic/3.1/3 DATA with padding", answer(), [
    open,
    frameOf(FRAME.data, endStream | FLAG.padded, 1, padded(5, Buffer.from("test"))),
  ]),
  one("generic/3.2/1 HEADERS", answer(), [whole]),
  one("generic/3.2/2 HEADERS with padding", answer(), [
    headers(all | FLAG.padded, padded(9, block)),
  ]),
  one("generic/3.2/3 HEADERS with priority", answer(), [
    headers(all | FLAG.priority, withPriority(0)),
  ]),
  one("generic/3.2/4 HEADERS with padding and priority", answer(), [
    headers(all | FLAG.priority | FLAG.padded, padded(9, withPriority(0))),
  ]),
  one("generic/3.3/1 PRIORITY with priority 1", answer(), [priority(1, 0, 0), whole]),
  one("generic/3.3/2 PRIORITY with priority 256", answer(), [priority(1, 0, 255), whole]),
  one("generic/3.3/3 PRIORITY with dependency", answer(), [priority(1, 0), priority(3, 1), whole]),
  one("generic/3.3/4 PRIORITY with exclusive", answer(), [priority(1, 0x8000_0000), whole]),
  one("generic/3.3/5 PRIORITY for an idle stream, then HEADERS of a lower one", answer(), [
    priority(3, 0),
    whole,
  ]),
  one("generic/3.4/1 RST_STREAM", ignored, [open, resetOf(1, ERROR.cancel)]),
  one("generic/3.5/1 SETTINGS", ignored, [settingsOf([SETTING.initialWindowSize, 100])]),
  one("generic/3.7/1 PING", { kind: "frame", type: FRAME.ping, flags: FLAG.ack, payload: ping }, [
    frameOf(FRAME.ping, 0, 0, ping),
  ]),
  one("generic/3.8/1 GOAWAY", ignored, [frameOf(FRAME.goaway, 0, 0, zeros(8))]),
  one("generic/3.9/1 WINDOW_UPDATE with stream 0", ignored, [windowUpdateOf(0, 1)]),
  one("generic/3.9/2 WINDOW_UPDATE with stream 1", answer(), [whole, windowUpdateOf(1, 1)]),
  one("generic/3.10/1 CONTINUATION", answer(), [
    headers(endStream, block.subarray(0, 4)),
    continuation(endHeaders, block.subarray(4)),
  ]),
  one("generic/3.10/2 several CONTINUATION", answer(), [
    headers(endStream, block.subarray(0, 4)),
    continuation(0, block.subarray(4, 6)),
    continuation(0, zeros(0)),
    continuation(endHeaders, block.subarray(6)),
  ]),
  one("generic/4/1 GET", answer(), [whole]),
  one("generic/4/2 HEAD", answer(), [request({ ":method": "HEAD" })]),
  one("generic/4/3 POST", answer(), [open, dataOf(1, "test", endStream)]),
  one("generic/4/4 POST with trailers", answer(), [
    open,
    dataOf(1, "test"),
    trailers(["x-test", "ok"]),
  ]),
  one("generic/5/1 indexed field", answer(), [
    headers(all, Buffer.concat([Buffer.of(0x82, 0x87, 0x84), blockOf([[":authority", "a"]])])),
  ]),
  one("generic/5/2-4 literal with incremental indexing, indexed, new and Huffman-coded", answer(), [
    raw(0x40, 1, 0x78, 1, 0x79, 0xbe, 0x7a, 1, 0x79, 0x40, 0x81, 0xf3, 0x81, 0xf5),
  ]),
  one("generic/5/5-7 literal without indexing", answer(), [
    raw(0x00, 1, 0x78, 1, 0x79, 0x0f, 0x2b, 1, 0x79, 0x00, 0x81, 0xf3, 0x81, 0xf5),
  ]),
  one("generic/5/8-10 literal never indexed", answer(), [
    raw(0x10, 1, 0x78, 1, 0x79, 0x1f, 0x2b, 1, 0x79, 0x10, 0x81, 0xf3, 0x81, 0xf5),
  ]),
  one("generic/5/11-13 size updates", answer(), [
    headers(all, Buffer.concat([Buffer.of(0x20), Buffer.of(0x3f, 0xe1, 0x1f), block])),
  ]),
];

const frames: readonly Http2Case[] = [
  one("4.1/1 a frame of an unknown type", answer(), [frameOf(0x16, 0, 0, ping), whole]),
  one(
    "4.1/2 a frame with unknown flags",
    { kind: "frame", type: FRAME.ping, flags: 1, payload: ping },
    [frameOf(FRAME.ping, 0x16, 0, ping)],
  ),
  one(
    "4.1/3 a frame with the reserved bit",
    { kind: "frame", type: FRAME.ping, flags: 1, payload: ping },
    [frameOf(FRAME.ping, 0, 0x8000_0000, ping)],
  ),
  one("4.2/1 DATA of 2^14 bytes", answer(), [
    open,
    frameOf(FRAME.data, endStream, 1, zeros(16_384)),
  ]),
  one("4.2/2 DATA that is too long", goaway(frameSize), [
    open,
    frameOf(FRAME.data, endStream, 1, zeros(16_385)),
  ]),
  one("4.2/3 HEADERS that are too long", goaway(frameSize), [headers(all, zeros(16_385))]),
  one("4.3/1 a block that cannot be decoded", goaway(compression), [
    headers(all, Buffer.of(0x82, 0x87, 0x84, 0xff, 0xff, 0xff, 0xff, 0xff)),
  ]),
  one("4.3/2 PRIORITY within a block", goaway(protocol), [
    headers(endStream, block.subarray(0, 4)),
    priority(1, 0),
    continuation(endHeaders, block.subarray(4)),
  ]),
  one("4.3/3 HEADERS of another stream within a block", goaway(protocol), [
    headers(endStream, block.subarray(0, 4)),
    headersOf(3, get),
  ]),
];

const afterEnd = (name: string, code: number, frame: Buffer): Http2Case =>
  one(name, goaway(code), [whole], [frame]);

const streams: readonly Http2Case[] = [
  one("5.1/1 idle: DATA", goaway(protocol), [dataOf(1, "test", endStream)]),
  one("5.1/2 idle: RST_STREAM", goaway(protocol), [resetOf(1, ERROR.cancel)]),
  one("5.1/3 idle: WINDOW_UPDATE", goaway(protocol), [windowUpdateOf(1, 100)]),
  one("5.1/4 idle: CONTINUATION", goaway(protocol), [continuation(endHeaders, block)]),
  one("5.1/5 half-closed (remote): DATA", reset(streamClosed), [
    whole,
    dataOf(1, "test", endStream),
  ]),
  one("5.1/6 half-closed (remote): HEADERS", reset(streamClosed), [whole, whole]),
  one("5.1/7 half-closed (remote): CONTINUATION", goaway(protocol), [
    whole,
    continuation(endHeaders, block),
  ]),
  one("5.1/8 closed by RST_STREAM: DATA", reset(streamClosed), [
    open,
    resetOf(1, ERROR.cancel),
    dataOf(1, "test", endStream),
  ]),
  one("5.1/9 closed by RST_STREAM: HEADERS", reset(streamClosed), [
    open,
    resetOf(1, ERROR.cancel),
    whole,
  ]),
  one("5.1/10 closed by RST_STREAM: CONTINUATION", goaway(protocol), [
    open,
    resetOf(1, ERROR.cancel),
    continuation(endHeaders, block),
  ]),
  afterEnd("5.1/11 closed: DATA", streamClosed, dataOf(1, "test", endStream)),
  afterEnd("5.1/12 closed: HEADERS", streamClosed, whole),
  afterEnd("5.1/13 closed: CONTINUATION", protocol, continuation(endHeaders, block)),
  one("5.1.1/1 an even id", goaway(protocol), [headersOf(2, get)]),
  one("5.1.1/2 a smaller id", goaway(protocol), [headersOf(5, get), headersOf(3, get)]),
  one("5.1.2/1 too many streams", reset(ERROR.refusedStream, 201), [
    ...Array.from({ length: 101 }, (_, number) => headersOf(2 * number + 1, post, 0)),
  ]),
  one("5.3.1/1 HEADERS that depend on themselves", goaway(protocol), [
    headers(all | FLAG.priority, withPriority(1)),
  ]),
  one("5.3.1/2 PRIORITY that depends on itself", goaway(protocol), [priority(2, 2)]),
  one("5.4.1/1 after an error, the connection is closed", goaway(protocol), [
    frameOf(FRAME.ping, 0, 3, ping),
    frameOf(FRAME.ping, 0, 0, ping),
  ]),
  one("5.5/1 an unknown frame", { kind: "frame", type: FRAME.ping, flags: 1, payload: ping }, [
    frameOf(0xff, 0, 0, ping),
    frameOf(FRAME.ping, 0, 0, ping),
  ]),
  one("5.5/2 an unknown frame within a block", goaway(protocol), [
    headers(endStream, block.subarray(0, 4)),
    frameOf(0xff, 0, 0, ping),
    continuation(endHeaders, block.subarray(4)),
  ]),
];

const sixth: readonly Http2Case[] = [
  one("6.1/1 DATA with stream 0", goaway(protocol), [frameOf(FRAME.data, 0, 0, "test")]),
  one("6.1/2 DATA on a stream that is not open", reset(streamClosed), [whole, dataOf(1, "test")]),
  one("6.1/3 DATA with too much padding", goaway(protocol), [
    open,
    frameOf(FRAME.data, endStream | FLAG.padded, 1, Buffer.from("\u0006test")),
  ]),
  one("6.2/1 HEADERS without END_HEADERS, then PRIORITY", goaway(protocol), [
    headers(endStream, block),
    priority(1, 0),
  ]),
  one("6.2/2 HEADERS of another stream", goaway(protocol), [
    headers(endStream, block),
    headersOf(3, get),
  ]),
  one("6.2/3 HEADERS with stream 0", goaway(protocol), [headers(all, block, 0)]),
  one("6.2/4 HEADERS with too much padding", goaway(protocol), [
    headers(all | FLAG.padded, Buffer.concat([Buffer.of(block.length + 1), block])),
  ]),
  one("6.3/1 PRIORITY with stream 0", goaway(protocol), [priority(0, 1)]),
  one("6.3/2 PRIORITY of a wrong length", goaway(frameSize), [
    frameOf(FRAME.priority, 0, 1, zeros(4)),
  ]),
  one("6.4/1 RST_STREAM with stream 0", goaway(protocol), [resetOf(0, 8)]),
  one("6.4/2 RST_STREAM on an idle stream", goaway(protocol), [resetOf(1, 8)]),
  one("6.4/3 RST_STREAM of a wrong length", goaway(frameSize), [
    open,
    frameOf(FRAME.rstStream, 0, 1, zeros(3)),
  ]),
  one("6.5/1 SETTINGS with ACK and payload", goaway(frameSize), [
    frameOf(FRAME.settings, FLAG.ack, 0, zeros(6)),
  ]),
  one("6.5/2 SETTINGS with a stream", goaway(protocol), [frameOf(FRAME.settings, 0, 1, zeros(6))]),
  one("6.5/3 SETTINGS of a wrong length", goaway(frameSize), [
    frameOf(FRAME.settings, 0, 0, zeros(3)),
  ]),
  one("6.5.2/1 ENABLE_PUSH of 2", goaway(protocol), [settingsOf([SETTING.enablePush, 2])]),
  one("6.5.2/2 INITIAL_WINDOW_SIZE of 2^31", goaway(flowControl), [
    settingsOf([SETTING.initialWindowSize, 2 ** 31]),
  ]),
  one("6.5.2/3 MAX_FRAME_SIZE below 2^14", goaway(protocol), [
    settingsOf([SETTING.maxFrameSize, 16_383]),
  ]),
  one("6.5.2/4 MAX_FRAME_SIZE above 2^24-1", goaway(protocol), [
    settingsOf([SETTING.maxFrameSize, 2 ** 24]),
  ]),
  one("6.5.2/5 an unknown setting", answer(), [settingsOf([0xff, 1]), whole]),
  one("6.5.3/1 several values of one setting: the last counts", { kind: "lengths", lengths: [1] }, [
    settingsOf([SETTING.initialWindowSize, 100], [SETTING.initialWindowSize, 1]),
    whole,
  ]),
  one(
    "6.5.3/2 SETTINGS are acknowledged",
    { kind: "frame", type: FRAME.settings, flags: FLAG.ack, payload: zeros(0) },
    [settingsOf()],
  ),
  one("6.7/1 PING", { kind: "frame", type: FRAME.ping, flags: FLAG.ack, payload: ping }, [
    frameOf(FRAME.ping, 0, 0, ping),
  ]),
  one("6.7/2 PING with ACK", ignored, [frameOf(FRAME.ping, FLAG.ack, 0, Buffer.from("invalid!"))]),
  one("6.7/3 PING with a stream", goaway(protocol), [frameOf(FRAME.ping, 0, 1, ping)]),
  one("6.7/4 PING of a wrong length", goaway(frameSize), [frameOf(FRAME.ping, 0, 0, zeros(6))]),
  one("6.8/1 GOAWAY with a stream", goaway(protocol), [frameOf(FRAME.goaway, 0, 1, zeros(8))]),
  one("6.9/1 WINDOW_UPDATE of 0", goaway(protocol), [windowUpdateOf(0, 0)]),
  one("6.9/2 WINDOW_UPDATE of 0 on a stream", reset(protocol), [open, windowUpdateOf(1, 0)]),
  one("6.9/3 WINDOW_UPDATE of a wrong length", goaway(frameSize), [
    frameOf(FRAME.windowUpdate, 0, 0, zeros(3)),
  ]),
  one("6.9.1/1 a window of 1 byte", { kind: "lengths", lengths: [1] }, [
    settingsOf([SETTING.initialWindowSize, 1]),
    whole,
  ]),
  one("6.9.1/2 a window of the connection above 2^31-1", goaway(flowControl), [
    windowUpdateOf(0, 2 ** 31 - 1),
    windowUpdateOf(0, 2 ** 31 - 1),
  ]),
  one("6.9.1/3 a window of a stream above 2^31-1", reset(flowControl), [
    open,
    windowUpdateOf(1, 2 ** 31 - 1),
    windowUpdateOf(1, 2 ** 31 - 1),
  ]),
  one("6.9.2/1 a window that SETTINGS change", { kind: "lengths", lengths: [1] }, [
    settingsOf([SETTING.initialWindowSize, 0]),
    whole,
    settingsOf([SETTING.initialWindowSize, 1]),
  ]),
  one(
    "6.9.2/2 a window that becomes negative",
    { kind: "lengths", lengths: [3, 1] },
    [settingsOf([SETTING.initialWindowSize, 3]), whole],
    [settingsOf([SETTING.initialWindowSize, 2]), windowUpdateOf(1, 2)],
  ),
  one("6.9.2/3 an initial window above 2^31-1", goaway(flowControl), [
    settingsOf([SETTING.initialWindowSize, 2 ** 31]),
  ]),
  one("6.10/1 several CONTINUATION", answer(), [
    headers(endStream, block.subarray(0, 3)),
    continuation(0, block.subarray(3, 5)),
    continuation(endHeaders, block.subarray(5)),
  ]),
  one("6.10/2 CONTINUATION followed by another frame", goaway(protocol), [
    headers(endStream, block.subarray(0, 3)),
    continuation(0, block.subarray(3)),
    dataOf(1, "test", endStream),
  ]),
  one("6.10/3 CONTINUATION with stream 0", goaway(protocol), [
    headers(endStream, block.subarray(0, 3)),
    continuation(endHeaders, block.subarray(3), 0),
  ]),
  one("6.10/4 CONTINUATION after END_HEADERS", goaway(protocol), [
    open,
    continuation(endHeaders, block),
  ]),
  one("6.10/5 CONTINUATION after CONTINUATION with END_HEADERS", goaway(protocol), [
    headers(0, block.subarray(0, 3)),
    continuation(endHeaders, block.subarray(3)),
    continuation(endHeaders, block),
  ]),
  one("6.10/6 CONTINUATION after DATA", goaway(protocol), [
    open,
    dataOf(1, "test"),
    continuation(endHeaders, block),
  ]),
];

const unknown = 0xff;
const length = (text: string): Readonly<Record<string, string>> => ({
  ":method": "POST",
  "content-length": text,
});
const withLength = (text: string): Buffer => headersOf(1, requestFieldsOf(length(text)), 0);

const messages: readonly Http2Case[] = [
  one(
    "7/1 GOAWAY with an unknown code",
    { kind: "frame", type: FRAME.ping, flags: 1, payload: ping },
    [
      frameOf(FRAME.goaway, 0, 0, Buffer.concat([zeros(4), uint32Of(unknown)])),
      frameOf(FRAME.ping, 0, 0, ping),
    ],
  ),
  one("7/2 RST_STREAM with an unknown code", ignored, [open, resetOf(1, unknown)]),
  one("8.1/1 a second HEADERS without END_STREAM", reset(protocol), [
    open,
    headersOf(1, [["x-test", "ok"]], 0),
  ]),
  one("8.1.2/1 upper-case letters in a name", reset(protocol), [fields(["X-TEST", "ok"])]),
  one("8.1.2.1/1 an unknown pseudo-field", reset(protocol), [fields([":test", "ok"])]),
  one("8.1.2.1/2 a pseudo-field of answers", reset(protocol), [fields([":status", "200"])]),
  one("8.1.2.1/3 a pseudo-field in trailers", reset(protocol), [
    open,
    trailers([":method", "200"]),
  ]),
  one("8.1.2.1/4 a pseudo-field after a field", reset(protocol), [
    headersOf(1, [["x-test", "ok"], ...get]),
  ]),
  one("8.1.2.2/1 a field of a connection", reset(protocol), [fields(["connection", "keep-alive"])]),
  one("8.1.2.2/2 TE other than trailers", reset(protocol), [fields(["te", "trailers, deflate"])]),
  one("8.1.2.3/1 :path is empty", reset(protocol), [request({ ":path": "" })]),
  one("8.1.2.3/2 no :method", reset(protocol), [request({ ":method": undefined })]),
  one("8.1.2.3/3 no :scheme", reset(protocol), [request({ ":scheme": undefined })]),
  one("8.1.2.3/4 no :path", reset(protocol), [request({ ":path": undefined })]),
  one("8.1.2.3/5 :method twice", reset(protocol), [headersOf(1, [...get, [":method", "GET"]])]),
  one("8.1.2.3/6 :scheme twice", reset(protocol), [headersOf(1, [...get, [":scheme", "https"]])]),
  one("8.1.2.3/7 :path twice", reset(protocol), [headersOf(1, [...get, [":path", "/"]])]),
  one("8.1.2.6/1 a length that is not that of DATA", reset(protocol), [
    withLength("1"),
    dataOf(1, "test", endStream),
  ]),
  one("8.1.2.6/2 a length that is not that of several DATA", reset(protocol), [
    withLength("1"),
    dataOf(1, "te"),
    dataOf(1, "st", endStream),
  ]),
  one("8.2/1 PUSH_PROMISE", goaway(protocol), [
    frameOf(FRAME.pushPromise, endHeaders, 1, Buffer.concat([uint32Of(3), block])),
  ]),
];

const hpack: readonly Http2Case[] = [
  one("hpack/2.3.3/1 an index that is not there", goaway(compression), [raw(0xfe)]),
  one("hpack/2.3.3/2 a name with an index that is not there", goaway(compression), [
    raw(0x7f, 0x40, 4, 0x74, 0x65, 0x73, 0x74),
  ]),
  one("hpack/4.2/1 a size update at the end", goaway(compression), [raw(0x21)]),
  one("hpack/5.2/1 padding of more than 7 bits", goaway(compression), [
    raw(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff),
  ]),
  one("hpack/5.2/2 padding with zeros", goaway(compression), [
    raw(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90),
  ]),
  one("hpack/5.2/3 EOS", goaway(compression), [
    raw(0x00, 0x87, 0xff, 0xff, 0xff, 0xfd, 0x25, 0x42, 0x7f, 0x81, 0xf5),
  ]),
  one("hpack/6.1/1 index 0", goaway(compression), [raw(0x80)]),
  one("hpack/6.3/1 a table that is too large", goaway(compression), [
    headers(all, Buffer.concat([Buffer.of(0x3f, 0xe2, 0x1f), block])),
  ]),
];

export const HTTP2_CASES: readonly Http2Case[] = [
  ...generic,
  ...frames,
  ...streams,
  ...sixth,
  ...messages,
  ...hpack,
];
