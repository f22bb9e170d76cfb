/** The cases of h2spec about each type of frame, messages and HPACK (RFC 9113 sections 6 to 8, RFC 7541). */
import { FLAG, FRAME, SETTING } from "#dataplane/http/h2/frames.ts";
import {
  type Http2Case,
  goaway,
  reset,
  answer,
  ignored,
  get,
  block,
  open,
  whole,
  zeros,
  headers,
  continuation,
  priority,
  endStream,
  endHeaders,
  all,
  ping,
  request,
  fields,
  raw,
  trailers,
  one,
  protocol,
  streamClosed,
  frameSize,
  flowControl,
  compression,
} from "./http2-case.ts";
import {
  dataOf,
  frameOf,
  headersOf,
  requestFieldsOf,
  resetOf,
  settingsOf,
  uint32Of,
  windowUpdateOf,
} from "./http2-client.ts";

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

export const HTTP2_FRAME_CASES: readonly Http2Case[] = [...sixth, ...messages, ...hpack];
