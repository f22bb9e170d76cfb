import { CR, DOT, IS_TEXT, LF, NINE, SP, ZERO } from "./ascii.ts";
import { type HeadRefusal, refusalOf } from "./head-refusal.ts";

const HTTP_SLASH = Buffer.from("HTTP/", "latin1");
/** The bytes of `HTTP/1.1 200`. */
const STATUS_END = 12;

/**
 * Reads a status line (RFC 9112 section 4). The space after the status may be missing together with the reason phrase, as
 * many servers send it and as nginx, HAProxy and llhttp accept it. All positions are offsets in the bytes that were given
 * last.
 */
export class StatusLine {
  isHttp10 = false;
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** The offset after the CRLF. */
  end = 0;
  #start = 0;
  #at = 0;
  #isAfterCr = false;

  restart(at: number): void {
    this.#start = at;
    this.#at = at;
    this.#isAfterCr = false;
    this.status = 0;
  }

  /** Adapts all offsets after the bytes were copied to another place. */
  shift(delta: number): void {
    this.reasonStart += delta;
    this.reasonEnd += delta;
    this.end += delta;
    this.#start += delta;
    this.#at += delta;
  }

  /** Continues up to offset `to`. The line must end before offset `limit`. */
  read(bytes: Buffer, to: number, limit: number): "partial" | "whole" | HeadRefusal {
    const end = to < limit ? to : limit;
    let at = this.#at;
    const statusEnd = this.#start + STATUS_END;
    while (at < end && at < statusEnd) {
      const refusal = this.#takeFixed(bytes, at);
      if (refusal !== undefined) return refusal;
      at += 1;
    }
    if (at === statusEnd && at < end && !this.#isAfterCr) {
      this.reasonStart = at;
      if (bytes[at] === SP) {
        this.reasonStart = at + 1;
        at += 1;
      } else if (bytes[at] !== CR) {
        return statusLineRefusalOf(bytes[at] ?? 0);
      }
    }
    if (!this.#isAfterCr) {
      while (at < end && IS_TEXT[bytes[at] ?? 0] === 1) at += 1;
      if (at < end) {
        if (bytes[at] !== CR) return statusLineRefusalOf(bytes[at] ?? 0);
        this.reasonEnd = at;
        this.#isAfterCr = true;
        at += 1;
      }
    }
    this.#at = at;
    if (at === end) return end === limit ? refusalOf("long-head") : "partial";
    if (bytes[at] !== LF) return refusalOf("bare-cr");
    this.end = at + 1;
    return "whole";
  }

  /** Takes a byte of `HTTP/1.1 200`. */
  #takeFixed(bytes: Buffer, at: number): HeadRefusal | undefined {
    const byte = bytes[at] ?? 0;
    const position = at - this.#start;
    const isDigit = byte >= ZERO && byte <= NINE;
    if (position < HTTP_SLASH.length) {
      return byte === HTTP_SLASH[position] ? undefined : statusLineRefusalOf(byte);
    }
    if (position === 6) return byte === DOT ? undefined : statusLineRefusalOf(byte);
    if (position === 8) return byte === SP ? undefined : statusLineRefusalOf(byte);
    if (!isDigit) return statusLineRefusalOf(byte);
    if (position === 7) {
      if (bytes[at - 2] !== ZERO + 1 || byte > ZERO + 1) return refusalOf("unknown-version");
      this.isHttp10 = byte === ZERO;
    } else if (position > 8) {
      this.status = this.status * 10 + byte - ZERO;
      // RFC 9110 section 15 defines no status below 100.
      if (this.status === 0) return refusalOf("bad-status-line");
    }
    return undefined;
  }
}

const statusLineRefusalOf = (byte: number): HeadRefusal =>
  refusalOf(byte === LF ? "bare-lf" : "bad-status-line");
