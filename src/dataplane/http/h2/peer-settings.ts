import { BAD_FRAME } from "./frame-reader.ts";
import { ERROR, type Fault, FIRST_WINDOW_BYTES, MAX_31_BITS, SETTING, uint32 } from "./frames.ts";

const BAD_WINDOW: Fault = { code: ERROR.flowControl, cause: "bad-window" };
const ENTRY_BYTES = 6;

/** What the client has set (RFC 9113 section 6.5.2). */
export class PeerSettings {
  initialWindowBytes = FIRST_WINDOW_BYTES;
  /** SETTINGS_HEADER_TABLE_SIZE, if the last frame has it. */
  tableBytes: number | undefined;

  /** Takes the payload of a SETTINGS frame, whose length is right. Returns the fault in it. */
  take(bytes: Buffer, from: number, to: number): Fault | undefined {
    this.tableBytes = undefined;
    for (let at = from; at < to; at += ENTRY_BYTES) {
      const id = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const value = uint32(bytes, at + 2);
      const fault = this.#set(id, value);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #set(id: number, value: number): Fault | undefined {
    switch (id) {
      case SETTING.headerTableSize:
        this.tableBytes = Math.min(value, this.tableBytes ?? value);
        return undefined;
      case SETTING.initialWindowSize:
        if (value > MAX_31_BITS) return BAD_WINDOW;
        this.initialWindowBytes = value;
        return undefined;
      case SETTING.maxFrameSize:
        // Frames of the director are never longer than the least value.
        return value < 16_384 || value > 0xff_ff_ff ? BAD_FRAME : undefined;
      case SETTING.enablePush:
      case SETTING.noRfc7540Priorities:
      case SETTING.enableConnectProtocol:
        return value > 1 ? BAD_FRAME : undefined;
      default:
        return undefined;
    }
  }
}
