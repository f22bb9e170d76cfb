/** What RFC 9113, 8441 and 9218 demand of a server, as far as h2spec has no case for it. */
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
  withPriority,
  endStream,
  endHeaders,
  all,
  request,
  fields,
  trailers,
  one,
  protocol,
  streamClosed,
  frameSize,
  flowControl,
  compression,
} from "./http2-case.ts";
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

/** A request that adds `x: y` to the dynamic table, and one that refers to it. */
const adding = (id: number, more: Buffer = zeros(0)): Buffer =>
  headers(all, Buffer.concat([block, Buffer.of(0x40, 1, 0x78, 1, 0x79), more]), id);
const referring = (id: number): Buffer => headers(all, Buffer.concat([block, Buffer.of(0xbe)]), id);
const hasField = { kind: "request", text: "\r\nx: y\r\n" } as const;
const hundredStreams = Array.from({ length: 100 }, (_, at) => headersOf(2 * at + 1, post, 0));
const priorityUpdate = (payload: Buffer, streamId = 0): Buffer =>
  frameOf(FRAME.priorityUpdate, 0, streamId, payload);
const connect = (more: Readonly<Record<string, string | undefined>>): Buffer =>
  headersOf(1, requestFieldsOf({ ":method": "CONNECT", ...more }), 0);
const lateWindow = windowUpdateOf(1, 10);

const frames: readonly Http2Case[] = [
  one("4.1 flags that a type does not have are ignored", answer(), [
    headers(all | 0x52, block),
    frameOf(FRAME.settings, 0xfe, 0),
  ]),
  one("4.1 the reserved bit of a stream is ignored", answer(), [
    headersOf(1, post, 0),
    frameOf(FRAME.data, endStream, 0x8000_0001, "x"),
  ]),
  one("4.2 padding without its length", goaway(frameSize), [
    open,
    frameOf(FRAME.data, FLAG.padded, 1),
  ]),
  one("4.2 HEADERS too short for its priority", goaway(frameSize), [
    headers(all | FLAG.priority, zeros(4)),
  ]),
  one("4.2 HEADERS too short for the length of its padding", goaway(frameSize), [
    headers(all | FLAG.padded, zeros(0)),
  ]),
  one("4.2 GOAWAY that is too short", goaway(frameSize), [frameOf(FRAME.goaway, 0, 0, zeros(7))]),
  one("4.3 trailers change the table", hasField, [
    open,
    headers(all, Buffer.of(0x40, 1, 0x78, 1, 0x79)),
    resetOf(1, ERROR.cancel),
    referring(3),
  ]),
  one("4.3 the block of a malformed request changes the table", hasField, [
    adding(1, blockOf([["connection", "close"]])),
    referring(3),
  ]),
  one("4.3 the block on a stream that the client has reset changes the table", hasField, [
    open,
    resetOf(1, ERROR.cancel),
    adding(1),
    referring(3),
  ]),
  one("4.3 a trailer section that cannot be decoded", goaway(compression), [
    open,
    headers(all, Buffer.of(0xbe)),
  ]),
  one("4.3 a block without a field in it", reset(protocol), [headers(all, zeros(0))]),
  one("4.3 a block that is cut off in a field", goaway(compression), [
    headers(all, block.subarray(0, block.length - 1)),
  ]),
];

const streams: readonly Http2Case[] = [
  one("5.1 closed by the server: frames that were under way are ignored", reset(protocol), [
    request({ ":path": "" }),
    dataOf(1, "x"),
    lateWindow,
    resetOf(1, ERROR.cancel),
  ]),
  one("5.1 half-closed (remote): trailers", reset(streamClosed), [whole, trailers(["x", "y"])]),
  one("5.1.2 the block of a refused stream changes the table", reset(ERROR.refusedStream, 201), [
    ...hundredStreams,
    adding(201),
    referring(203),
  ]),
  one("5.1.1 a skipped stream is closed: DATA", goaway(streamClosed), [
    headersOf(3, get),
    dataOf(1, "x"),
  ]),
  one("6.2 HEADERS with END_STREAM and CONTINUATION", answer(), [
    headers(endStream, block.subarray(0, 2)),
    continuation(endHeaders, block.subarray(2)),
  ]),
  one("6.2 trailers in CONTINUATION", { kind: "request", text: "0\r\nx: y\r\n\r\n" }, [
    open,
    headers(endStream, Buffer.of(0)),
    continuation(0, Buffer.of(1, 0x78)),
    continuation(endHeaders, Buffer.of(1, 0x79)),
  ]),
  one("6.2 HEADERS with padding, priority and CONTINUATION", answer(), [
    headers(
      endStream | FLAG.padded | FLAG.priority,
      Buffer.concat([Buffer.of(3), withPriority(0).subarray(0, 7), zeros(3)]),
    ),
    continuation(endHeaders, withPriority(0).subarray(7)),
  ]),
  one("6.5.2 an unknown setting is ignored", answer(), [settingsOf([0xff, 7]), whole]),
  one("6.5.2 SETTINGS_ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441)", goaway(protocol), [
    settingsOf([SETTING.enableConnectProtocol, 2]),
  ]),
  one("6.5.2 SETTINGS_NO_RFC7540_PRIORITIES of 2 (RFC 9218)", goaway(protocol), [
    settingsOf([SETTING.noRfc7540Priorities, 2]),
  ]),
  one("6.5.3 the last value of a setting counts", { kind: "lengths", lengths: [1] }, [
    settingsOf([SETTING.initialWindowSize, 3], [SETTING.initialWindowSize, 1]),
    whole,
  ]),
  one(
    "6.5.3 a setting of streams that are open",
    { kind: "lengths", lengths: [1, 4] },
    [settingsOf([SETTING.initialWindowSize, 1]), whole],
    [settingsOf([SETTING.initialWindowSize, 65_535])],
  ),
  one("6.8 streams after GOAWAY of the client are served", answer(), [
    frameOf(FRAME.goaway, 0, 0, zeros(8)),
    whole,
  ]),
  one("6.9.1 padding counts for the window of a stream", reset(flowControl), [
    open,
    ...Array.from({ length: 4 }, () =>
      frameOf(FRAME.data, FLAG.padded, 1, Buffer.concat([Buffer.of(255), zeros(16_255)])),
    ),
    dataOf(1, "x".repeat(600)),
  ]),
  one("6.9 WINDOW_UPDATE of a stream that was closed is ignored", answer(), [whole], [lateWindow]),
];

const messages: readonly Http2Case[] = [
  one("8.3.1 CONNECT with :path", reset(protocol), [connect({ ":scheme": undefined })]),
  one("8.3.1 CONNECT with :scheme", reset(protocol), [connect({ ":path": undefined })]),
  one("8.3 :protocol without CONNECT", reset(protocol), [fields([":protocol", "websocket"])]),
  one("RFC 8441 4 an extended CONNECT without :path", reset(protocol), [
    connect({ ":protocol": "websocket", ":path": undefined }),
  ]),
  one("RFC 8441 4 an extended CONNECT that ends at once", reset(protocol), [
    headersOf(
      1,
      requestFieldsOf({
        ":method": "CONNECT",
        ":protocol": "websocket",
        "sec-websocket-version": "13",
      }),
    ),
  ]),
  one("8.3.1 the scheme in upper case", answer(), [request({ ":scheme": "HTTPS" })]),
  one("8.2.2 TE of trailers in upper case", answer(), [fields(["te", "Trailers"])]),
  one("RFC 9218 7.1 PRIORITY_UPDATE with a stream", goaway(protocol), [
    priorityUpdate(uint32Of(1), 1),
  ]),
  one("RFC 9218 7.1 PRIORITY_UPDATE of stream 0", goaway(protocol), [priorityUpdate(uint32Of(0))]),
  one("RFC 9218 7.1 PRIORITY_UPDATE of a push stream", goaway(protocol), [
    priorityUpdate(uint32Of(2)),
  ]),
  one("RFC 9218 7.1 PRIORITY_UPDATE that is too short", goaway(frameSize), [
    priorityUpdate(zeros(3)),
  ]),
  one("RFC 9218 7.1 PRIORITY_UPDATE that is no dictionary", ignored, [
    priorityUpdate(Buffer.concat([uint32Of(1), Buffer.from("\0=;,")])),
  ]),
  one("RFC 9218 4 a priority that is no dictionary is ignored", answer(), [
    fields(["priority", "u=9;;,i=2"]),
  ]),
];

export const HTTP2_MUST_CASES: readonly Http2Case[] = [...frames, ...streams, ...messages];
