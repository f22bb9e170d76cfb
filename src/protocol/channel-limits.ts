import type { ChannelLimits } from "./channel.ts";

const KIB = 1_024;
const MIB = 1_048_576;
/**
 * While a worker parses a message, its connections wait. 256 KiB take about 1 ms. `boundedMessagesOf` splits what is longer, such
 * as the snapshot of 10,000 certificates, which has 15 MB.
 */
export const MAX_FRAME_BYTES_TO_WORKER = 256 * KIB;
/** A flush of 2,000 connection records has about 1.2 MB and is sent in two frames. */
export const MAX_FRAME_BYTES_TO_CONTROL = MIB;
const MAX_WAITING_BYTES = 4 * MIB;
/** The deepest part of a message, the ALPN list in the record of a failed handshake, has depth 4. */
const MAX_DEPTH_TO_CONTROL = 6;

export const LIMITS_OF_CONTROL: ChannelLimits = {
  maxFrameBytesOut: MAX_FRAME_BYTES_TO_WORKER,
  maxFrameBytesIn: MAX_FRAME_BYTES_TO_CONTROL,
  maxDepthIn: MAX_DEPTH_TO_CONTROL,
  maxWaitingBytes: MAX_WAITING_BYTES,
};

export const LIMITS_OF_WORKER: ChannelLimits = {
  maxFrameBytesOut: MAX_FRAME_BYTES_TO_CONTROL,
  maxFrameBytesIn: MAX_FRAME_BYTES_TO_WORKER,
  maxWaitingBytes: MAX_WAITING_BYTES,
};
