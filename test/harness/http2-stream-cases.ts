/** The cases of h2spec about the protocol in general, frames and streams (RFC 9113 sections 3 to 5). */
import { ERROR, FLAG, FRAME, SETTING } from "#dataplane/http/h2/frames.ts";
import {
  type Http2Case,
  goaway,
  reset,
  answer,
  ignored,
  get,
  post,
  block,
  open,
  whole,
  zeros,
  headers,
  continuation,
  priority,
  padded,
  withPriority,
  endStream,
  endHeaders,
  all,
  ping,
  request,
  raw,
  trailers,
  one,
  protocol,
  streamClosed,
  frameSize,
  compression,
} from "./http2-case.ts";
import {
  blockOf,
  dataOf,
  frameOf,
  headersOf,
  resetOf,
  settingsOf,
  windowUpdateOf,
} from "./http2-client.ts";

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

export const HTTP2_STREAM_CASES: readonly Http2Case[] = [...generic, ...frames, ...streams];
