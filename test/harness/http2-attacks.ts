/** What hostile clients of HTTP/2 send, and how a server must end each connection. */
import type { Http2Fault } from "#model/records/http2-fault.ts";
import { ERROR, FLAG, FRAME, SETTING } from "#dataplane/http/h2/frames.ts";
import { get, post, zeros } from "./http2-case.ts";
import {
  blockOf,
  dataOf,
  frameOf,
  headersOf,
  many,
  requestFieldsOf,
  resetOf,
  settingsOf,
  uint32Of,
  windowUpdateOf,
} from "./http2-client.ts";

const MAX_31_BITS = 2 ** 31 - 1;
const FRAME_BYTES = 16_384;
const idOf = (number: number): number => 2 * number + 1;

/** Returns a field block in as many frames as it needs. The stream ends with it. */
export function blockFramesOf(streamId: number, block: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length || at === 0; at += FRAME_BYTES) {
    const isLast = at + FRAME_BYTES >= block.length;
    const type = at === 0 ? FRAME.headers : FRAME.continuation;
    const flags = (isLast ? FLAG.endHeaders : 0) | (at === 0 ? FLAG.endStream : 0);
    frames.push(frameOf(type, flags, streamId, block.subarray(at, at + FRAME_BYTES)));
  }
  return Buffer.concat(frames);
}

/** A request in a block that continues with these bytes. */
const withBytes = (streamId: number, ...bytes: readonly Buffer[]): Buffer =>
  blockFramesOf(streamId, Buffer.concat([blockOf(get), ...bytes]));

/** A client that must be ended. */
export interface Attack {
  readonly title: string;
  readonly cause: Http2Fault;
  /** The code of GOAWAY. */
  readonly code: number;
  /** What is sent before the flood. */
  readonly first?: Buffer;
  /** The frames of the flood. The connection must have ended after `most` of them. */
  readonly frame: (number: number) => Buffer;
  readonly most: number;
}

const flood = (
  title: string,
  cause: Http2Fault,
  most: number,
  frame: (number: number) => Buffer,
  first?: Buffer,
): Attack => ({
  ...{ title, cause, code: ERROR.enhanceYourCalm, most, frame },
  ...(first && { first }),
});
const fault = (title: string, cause: Http2Fault, code: number, ...frames: readonly Buffer[]) => ({
  ...{ title, cause, code, most: 1, frame: () => Buffer.concat(frames) },
});

const openHundred = many(100, (number) => headersOf(idOf(number), post, 0));
const priority = (streamId: number, dependsOn: number): Buffer =>
  frameOf(FRAME.priority, 0, streamId, Buffer.concat([uint32Of(dependsOn), Buffer.of(15)]));
/** Alternates the window of all streams, 2,730 times in a frame. */
const manySettings = settingsOf(
  ...Array.from({ length: 2_730 }, (_, at) => [SETTING.initialWindowSize, at % 2] as const),
);

const floods: readonly Attack[] = [
  flood("PING (CVE-2019-9512)", "ping-flood", 5_000, () => frameOf(FRAME.ping, 0, 0, zeros(8))),
  flood("PING with ACK", "ping-flood", 5_000, () => frameOf(FRAME.ping, FLAG.ack, 0, zeros(8))),
  flood("SETTINGS (CVE-2019-9515)", "settings-flood", 500, () => settingsOf()),
  flood("SETTINGS with ACK", "settings-flood", 500, () => frameOf(FRAME.settings, FLAG.ack, 0)),
  flood(
    "SETTINGS with 2,730 entries for 100 streams (CVE-2020-11080)",
    "settings-flood",
    100,
    () => manySettings,
    openHundred,
  ),
  flood("PRIORITY (CVE-2019-9513)", "priority-flood", 3_000, (number) => priority(idOf(number), 0)),
  flood("PRIORITY_UPDATE", "priority-flood", 3_000, () =>
    frameOf(FRAME.priorityUpdate, 0, 0, Buffer.concat([uint32Of(1), Buffer.from("u=1")])),
  ),
  flood("WINDOW_UPDATE of the connection", "window-flood", 5_000, () => windowUpdateOf(0, 1)),
  flood(
    "WINDOW_UPDATE of a stream",
    "window-flood",
    5_000,
    () => windowUpdateOf(1, 1),
    headersOf(1, post, 0),
  ),
  flood(
    "empty DATA (CVE-2019-9518)",
    "empty-frame-flood",
    2_000,
    () => dataOf(1, ""),
    headersOf(1, post, 0),
  ),
  flood(
    "DATA of padding only",
    "empty-frame-flood",
    2_000,
    () => frameOf(FRAME.data, FLAG.padded, 1, Buffer.of(0)),
    headersOf(1, post, 0),
  ),
  flood("frames of an unknown type", "empty-frame-flood", 2_000, () => frameOf(0x77, 0, 0, "x")),
  flood("GOAWAY", "empty-frame-flood", 2_000, () => frameOf(FRAME.goaway, 0, 0, zeros(8))),
  flood(
    "RST_STREAM of a stream that is closed",
    "empty-frame-flood",
    2_000,
    () => resetOf(1, ERROR.cancel),
    Buffer.concat([headersOf(1, post, 0), resetOf(1, ERROR.cancel)]),
  ),
  flood("empty CONTINUATION (CVE-2024-27316)", "head-flood", 100, (number) =>
    number === 0 ? frameOf(FRAME.headers, 0, 1, blockOf(get)) : frameOf(FRAME.continuation, 0, 1),
  ),
  flood("CONTINUATION of 16 KiB", "head-flood", 20, (number) =>
    number === 0
      ? frameOf(FRAME.headers, 0, 1, blockOf(get))
      : frameOf(FRAME.continuation, 0, 1, Buffer.alloc(FRAME_BYTES, 0x82)),
  ),
];

/** Resets by the client, and those that it provokes: each needs a stream (MadeYouReset, CVE-2025-8671). */
const reset = (title: string, frames: (id: number) => readonly Buffer[]): Attack =>
  flood(title, "reset-flood", 1_000, (number) => Buffer.concat(frames(idOf(number))));
const whole = (id: number): Buffer => headersOf(id, get);
const resets: readonly Attack[] = [
  reset("RST_STREAM (CVE-2023-44487)", (id) => [whole(id), resetOf(id, ERROR.cancel)]),
  reset("RST_STREAM of a body", (id) => [headersOf(id, post, 0), resetOf(id, ERROR.none)]),
  reset("a provoked reset: WINDOW_UPDATE of 0", (id) => [whole(id), windowUpdateOf(id, 0)]),
  reset("a provoked reset: a window above 2^31-1", (id) => [
    whole(id),
    windowUpdateOf(id, MAX_31_BITS),
  ]),
  reset("a provoked reset: DATA after the end", (id) => [whole(id), dataOf(id, "x")]),
  reset("a provoked reset: HEADERS after the end", (id) => [whole(id), whole(id)]),
  reset("a provoked reset: a body that is too long", (id) => [
    headersOf(id, requestFieldsOf({ ":method": "POST", "content-length": "1" }), 0),
    dataOf(id, "xy"),
  ]),
  reset("a provoked reset: a body that is too short", (id) => [
    headersOf(id, requestFieldsOf({ ":method": "POST", "content-length": "1" }), 0),
    dataOf(id, "", FLAG.endStream),
  ]),
  reset("a provoked reset: trailers without END_STREAM", (id) => [
    headersOf(id, post, 0),
    headersOf(id, [["x", "y"]], 0),
  ]),
  reset("a provoked reset: pseudo-fields in trailers", (id) => [
    headersOf(id, post, 0),
    headersOf(id, [[":path", "/"]]),
  ]),
  reset("a malformed request: an empty name (CVE-2019-9516)", (id) => [
    headersOf(id, [...get, ["", ""]]),
  ]),
  reset("a malformed request: fields of a connection", (id) => [
    headersOf(id, [...get, ["connection", "close"]]),
  ]),
  flood(
    "a provoked reset: more than 100 streams",
    "reset-flood",
    1_000,
    (number) => headersOf(idOf(100 + number), get),
    openHundred,
  ),
  flood(
    "DATA on a stream that the client has reset, again and again",
    "reset-flood",
    2_000,
    (number) =>
      Buffer.concat([
        headersOf(idOf(number), post, 0),
        resetOf(idOf(number), ERROR.cancel),
        dataOf(idOf(number), "x"),
      ]),
  ),
];

const faults: readonly Attack[] = [
  fault("PRIORITY that depends on itself", "bad-frame", ERROR.protocol, whole(1), priority(1, 1)),
  fault(
    "PRIORITY of a wrong length",
    "bad-frame-size",
    ERROR.frameSize,
    whole(1),
    frameOf(FRAME.priority, 0, 1, zeros(4)),
  ),
  fault(
    "RST_STREAM of a wrong length",
    "bad-frame-size",
    ERROR.frameSize,
    whole(1),
    frameOf(FRAME.rstStream, 0, 1, zeros(5)),
  ),
  fault(
    "WINDOW_UPDATE of a wrong length",
    "bad-frame-size",
    ERROR.frameSize,
    whole(1),
    frameOf(FRAME.windowUpdate, 0, 1, zeros(5)),
  ),
  fault(
    "a frame that is too long",
    "bad-frame-size",
    ERROR.frameSize,
    frameOf(0x77, 0, 0, zeros(FRAME_BYTES + 1)),
  ),
  fault(
    "a window of the connection above 2^31-1",
    "bad-window",
    ERROR.flowControl,
    windowUpdateOf(0, MAX_31_BITS),
  ),
  fault(
    "a window of a stream above 2^31-1 by SETTINGS",
    "bad-window",
    ERROR.flowControl,
    headersOf(1, post, 0),
    windowUpdateOf(1, MAX_31_BITS - 65_535),
    settingsOf([SETTING.initialWindowSize, 65_536]),
  ),
  fault(
    "SETTINGS_MAX_FRAME_SIZE of 0 (CVE-2026-33814)",
    "bad-frame",
    ERROR.protocol,
    settingsOf([SETTING.maxFrameSize, 0]),
  ),
  fault("DATA on a stream that was never opened", "bad-stream", ERROR.protocol, dataOf(1, "x")),
  fault(
    "HEADERS on a stream that was skipped",
    "bad-frame",
    ERROR.protocol,
    headersOf(5, post, 0),
    whole(3),
  ),
  fault("PUSH_PROMISE", "bad-frame", ERROR.protocol, frameOf(FRAME.pushPromise, 4, 1, zeros(4))),
  fault(
    "HEADERS within the block of another stream",
    "bad-frame",
    ERROR.protocol,
    frameOf(FRAME.headers, 0, 1, blockOf(get)),
    whole(3),
  ),
  fault(
    "an integer without end in a field block",
    "bad-compression",
    ERROR.compression,
    withBytes(1, Buffer.alloc(9_000, 0xff)),
  ),
  fault(
    "an index that the table does not have",
    "bad-compression",
    ERROR.compression,
    withBytes(1, Buffer.of(0xff, 0x7f)),
  ),
  fault(
    "a table that is larger than allowed",
    "bad-compression",
    ERROR.compression,
    blockFramesOf(1, Buffer.concat([Buffer.of(0x3f, 0xe2, 0x1f), blockOf(get)])),
  ),
  fault(
    "names of 4 KB from the table, each in two bytes",
    "head-flood",
    ERROR.enhanceYourCalm,
    withBytes(
      1,
      Buffer.of(0x40, 0x7f, 0xa1, 0x1e),
      Buffer.alloc(4_000, 0x61),
      Buffer.of(0),
      many(3_000, () => Buffer.of(0x0f, 0x2f, 0)),
    ),
  ),
];

export const HTTP2_ATTACKS: readonly Attack[] = [...floods, ...resets, ...faults];

/** Field blocks that become much more than they are. Each is refused with 431, but the connection goes on. */
export const HPACK_BOMBS: Readonly<Record<string, (streamId: number) => Buffer>> = {
  "one-byte references to a field that is near-empty (CVE-2026-49975)": (id) =>
    withBytes(id, Buffer.of(0x40, 1, 0x61, 0), Buffer.alloc(16_000, 0xbe)),
  "one-byte references to a field of 4 KB (CVE-2016-6581)": (id) =>
    withBytes(
      id,
      Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e),
      Buffer.alloc(4_000, 0x62),
      Buffer.alloc(12_000, 0xbe),
    ),
  "crumbs of Cookie in one byte each": (id) =>
    withBytes(id, Buffer.of(0x60, 3, 0x61, 0x3d, 0x62), Buffer.alloc(16_000, 0xbe)),
  "many small fields": (id) =>
    withBytes(
      id,
      many(8_000, () => Buffer.of(0, 1, 0x61, 0)),
    ),
  "a value that Huffman makes longer": (id) =>
    withBytes(id, Buffer.of(0, 1, 0x61, 0xff, 0xa0, 0xd3, 0x03), Buffer.alloc(59_935)),
};

/** A request with a head of 61 KB. The one on stream 1 adds a field to the table, and the others refer to it 15 times, with one byte each. */
export const headOfReferences = (streamId: number): Buffer =>
  streamId === 1
    ? withBytes(1, Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e), Buffer.alloc(4_000, 0x62))
    : withBytes(streamId, Buffer.alloc(15, 0xbe));
