import type { ChannelLimits } from "./channel.ts";

const MIB = 1_048_576;

/**
 * A snapshot goes to a worker as one frame. 10,000 ECDSA certificates are 15 MB, 20,000 RSA-4096 certificates with their
 * chains, which is what a worker keeps contexts of, are 160 MB.
 */
export const MAX_FRAME_BYTES_TO_WORKER = 256 * MIB;
/** A flush of 2,000 connection records is about 1.2 MB and goes in two frames. */
export const MAX_FRAME_BYTES_TO_CONTROL = MIB;
const MAX_WAITING_BYTES = 4 * MIB;
/** The names of the protocols in a record of a failed handshake are the fifth. */
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
