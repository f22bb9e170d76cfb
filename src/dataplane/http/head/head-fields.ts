/** The limit for a head, from its request or status line to the empty line at its end. */
export const MAX_HEAD_BYTES = 65_536;
/** A head with more fields is refused. */
export const MAX_FIELDS = 100;
/** A request of HTTP/2 gets a joined Cookie and a Sec-WebSocket-Key besides. */
const ROOM = MAX_FIELDS + 2;
const NO_BYTES = Buffer.alloc(0);

/**
 * The fields of a head or of a trailer section, in their order. All positions are offsets in `bytes`. Only the first
 * `count` entries of each array are valid.
 */
export class HeadFields {
  count = 0;
  readonly nameStart = new Int32Array(ROOM);
  readonly nameEnd = new Int32Array(ROOM);
  /** The value has no white space around it (RFC 9110 section 5.5). */
  readonly valueStart = new Int32Array(ROOM);
  readonly valueEnd = new Int32Array(ROOM);
  /** The offset after the CRLF of the field line. */
  readonly lineEnd = new Int32Array(ROOM);
  /** The `FIELD` of the name. 0 if the name is not known. */
  readonly kind = new Uint8Array(ROOM);
  /** 1 if the field must not be forwarded. It is never 1 for Host and Content-Length in a head. */
  readonly isHop = new Uint8Array(ROOM);
  bytes: Buffer = NO_BYTES;

  /** The name in lower case. */
  name(index: number): string {
    const start = this.nameStart[index] ?? 0;
    return this.bytes.toString("latin1", start, this.nameEnd[index] ?? start).toLowerCase();
  }

  /** The value with one character per byte. */
  value(index: number): string {
    const start = this.valueStart[index] ?? 0;
    return this.bytes.toString("latin1", start, this.valueEnd[index] ?? start);
  }

  /** The index of the first field of this kind at `from` or after it, or -1. */
  find(kind: number, from = 0): number {
    const kinds = this.kind;
    for (let index = from; index < this.count; index += 1) {
      if (kinds[index] === kind) return index;
    }
    return -1;
  }

  /** The value of the field of this kind, or undefined if there is none or more than one. */
  only(kind: number): string | undefined {
    const index = this.find(kind);
    return index < 0 || this.find(kind, index + 1) >= 0 ? undefined : this.value(index);
  }

  /** Adapts all offsets after the bytes were copied to another place. */
  shift(delta: number): void {
    for (let index = 0; index <= this.count && index < ROOM; index += 1) {
      this.nameStart[index] = (this.nameStart[index] ?? 0) + delta;
      this.nameEnd[index] = (this.nameEnd[index] ?? 0) + delta;
      this.valueStart[index] = (this.valueStart[index] ?? 0) + delta;
      this.valueEnd[index] = (this.valueEnd[index] ?? 0) + delta;
      this.lineEnd[index] = (this.lineEnd[index] ?? 0) + delta;
    }
  }
}
