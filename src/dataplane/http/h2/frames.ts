/** The numbers of HTTP/2 (RFC 9113 sections 4, 6, 7). */
import type { Http2Fault } from "#model/records/http2-fault.ts";

export const FRAME_HEAD_BYTES = 9;
/** SETTINGS_MAX_FRAME_SIZE that the director keeps to, and that it lets clients send. It is the initial value. */
export const MAX_FRAME_BYTES = 16_384;
/** The initial size of all flow-control windows. */
export const FIRST_WINDOW_BYTES = 65_535;
/** SETTINGS_MAX_CONCURRENT_STREAMS: how many streams a client may have open. */
export const MAX_STREAMS = 100;
/** The largest size of a flow-control window, and the largest id of a stream. */
export const MAX_31_BITS = 0x7fff_ffff;

export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
  /** RFC 9218 section 7.1. */
  priorityUpdate: 0x10,
} as const;

export const FLAG = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const ERROR = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  connect: 0xa,
  enhanceYourCalm: 0xb,
} as const;
export type ErrorCode = (typeof ERROR)[keyof typeof ERROR];

export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  /** RFC 8441 section 3. */
  enableConnectProtocol: 0x8,
  /** RFC 9218 section 2.1. */
  noRfc7540Priorities: 0x9,
} as const;

/** Why a connection is ended: the error code of its GOAWAY, and the cause that is counted. */
export interface Fault {
  readonly code: ErrorCode;
  readonly cause: Http2Fault;
}

/** Writes the head of a frame (RFC 9113 section 4.1). */
export function writeFrameHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, streamId);
}

export function writeUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export const uint32 = (bytes: Buffer, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

/** Reads a number of 31 bits. The reserved bit before it is ignored (RFC 9113 section 4.1). */
export const uint31 = (bytes: Buffer, at: number): number => uint32(bytes, at) & MAX_31_BITS;
