/**
 * Access lines go to the control process in frames of their own: a mark, then whole lines, each with its line break. The control process
 * writes them to the log as they are, if it finds nothing wrong with them.
 */
import { HEADER_BYTES } from "./frame-reader.ts";

/** The first byte of such a frame. No JSON begins with it. */
export const LINES_MARK = 1;
/** What `Channel.sendLines` writes in front of the lines. */
export const LINES_HEADER_BYTES = HEADER_BYTES + 1;
/** The length of the largest frame, with its header. The control process mostly reads one with one call of the kernel. */
export const MAX_LINES_FRAME_BYTES = 65_536;
/**
 * How many frames a worker sends between two heartbeats, which is one second. The control process accepts twice as many. To read, check and
 * write a frame takes it about 0.14 ms, so a worker uses 0.3 of its core for 128 MiB of lines a second.
 */
export const MAX_LINES_FRAMES_PER_SECOND = 2_048;
