import type { ChannelLimits } from "./channel.ts";

const MIB = 1_048_576;

/**
 * A snapshot is sent to a worker as one frame. 10,000 ECDSA certificates take 15 MB. 20,000 RSA-4096 certificates with their
 * chains, which is the number that a worker keeps contexts for, take 160 MB.
 */
export const MAX_FRAME_BYTES_TO_WORKER = 256 * MIB;
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
