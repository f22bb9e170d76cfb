import { isBoundChallenge } from "./bound-challenge.ts";
import { ConnectionOptions } from "./connection-options.ts";
import { FIELD, kindTableOf } from "./field-names.ts";
import { FieldReader } from "./field-reader.ts";
import { type HeadRefusal, type HeadResult, refusalOf } from "./head-refusal.ts";
import { type HeadFields, MAX_HEAD_BYTES } from "./head-fields.ts";
import { tryKeepAliveTimeoutMs } from "./keep-alive-timeout.ts";
import { CHUNKED, MessageFraming, UNTIL_CLOSE } from "./message-framing.ts";
import { StatusLine } from "./status-line.ts";

const WATCHED = kindTableOf([
  FIELD.contentLength,
  FIELD.transferEncoding,
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.date,
  FIELD.wwwAuthenticate,
  FIELD.proxyAuthenticate,
]);

/**
 * Parses the heads of HTTP/1.1 and HTTP/1.0 answers, one after the other (RFC 9112). An interim answer (1xx) is a head of
 * its own. The results are valid after "whole", until the next call of `parse`. All offsets refer to the bytes of the last
 * call. The parser overwrites the line breaks of folded lines in these bytes with spaces.
 */
export class ResponseParser {
  readonly fields: HeadFields;
  /** The offset after the empty line that ends the head. */
  headEnd = 0;
  /** 100 to 999. */
  status = 0;
  /** Where the status line starts. It ends before the first field. */
  lineStart = 0;
  /** The range of the reason phrase, which may be empty. */
  reasonStart = 0;
  reasonEnd = 0;
  isHttp10 = false;
  /**
   * The number of bytes of the body, `CHUNKED` or `UNTIL_CLOSE`. It is 0 for 1xx, 204, 304 and answers to HEAD, whatever
   * the fields say (RFC 9112 section 6.3).
   */
  bodyLength = 0;
  /** The value of Content-Length, also if there is no body. -1 if there is no such field. */
  contentLength = -1;
  /** Whether there is a Content-Length or Transfer-Encoding field. */
  hasFraming = false;
  /** Whether the endpoint keeps the connection open after this answer (RFC 9112 section 9.3). */
  keepsAlive = false;
  /** `timeout` of a Keep-Alive field in milliseconds, at most a day. Undefined if there is none. */
  keepAliveTimeoutMs: number | undefined = undefined;
  hasDate = false;
  /** Whether the answer has a challenge that authenticates the connection (NTLM, Negotiate). */
  isBoundToConnection = false;
  readonly #line = new StatusLine();
  readonly #reader = new FieldReader(WATCHED, true);
  readonly #options = new ConnectionOptions();
  readonly #framing = new MessageFraming(true);
  #from = 0;
  #isPartial = false;
  #hasLine = false;

  constructor() {
    this.fields = this.#reader.fields;
  }

  /**
   * Parses a head that starts at offset `from`, from the bytes up to offset `to`. `isHead` is whether it answers a HEAD
   * request. After "partial", the next call continues. It needs the same bytes and more, and `from` may be another offset.
   * A fault is returned as soon as the element ends that has it, or earlier. After "whole" and a refusal, the next call
   * starts with a new head.
   */
  parse(bytes: Buffer, from: number, to: number, isHead: boolean): HeadResult {
    if (!this.#isPartial) this.#restart(from);
    else if (from !== this.#from) this.#shift(from);
    this.fields.bytes = bytes;
    const result = this.#read(bytes, to, isHead);
    this.#isPartial = result === "partial";
    return result;
  }

  /** Forgets a partial head. */
  reset(): void {
    this.#isPartial = false;
  }

  #restart(from: number): void {
    this.#from = from;
    this.#line.restart(from);
    this.#hasLine = false;
    this.#options.restart();
    this.#framing.restart();
    this.keepAliveTimeoutMs = undefined;
    this.hasDate = false;
    this.isBoundToConnection = false;
  }

  #shift(from: number): void {
    const delta = from - this.#from;
    this.#from = from;
    this.#line.shift(delta);
    this.#reader.shift(delta);
  }

  #read(bytes: Buffer, to: number, isHead: boolean): HeadResult {
    if (!this.#hasLine) {
      const result = this.#line.read(bytes, to, this.#from + MAX_HEAD_BYTES);
      if (result !== "whole") return result;
      this.#hasLine = true;
      this.#reader.start(this.#line.end, this.#from + MAX_HEAD_BYTES);
    }
    for (;;) {
      const step = this.#reader.read(bytes, to);
      if (step === "end") return this.#finish(isHead);
      if (step !== "field") return step;
      const refusal = this.#takeField(bytes, this.fields.count - 1);
      if (refusal !== undefined) return refusal;
    }
  }

  #takeField(bytes: Buffer, index: number): HeadRefusal | undefined {
    const start = this.fields.valueStart[index] ?? 0;
    const end = this.fields.valueEnd[index] ?? 0;
    switch (this.fields.kind[index] ?? 0) {
      case FIELD.contentLength:
        return this.#framing.takeContentLength(bytes, start, end);
      case FIELD.transferEncoding:
        if (this.#line.isHttp10) return refusalOf("transfer-encoding-in-http-1.0");
        if (this.#line.status < 200 || this.#line.status === 204) {
          return refusalOf("transfer-encoding-without-body");
        }
        return this.#framing.takeTransferEncoding(bytes, start, end);
      case FIELD.connection:
        return this.#options.take(bytes, start, end);
      case FIELD.keepAlive:
        this.keepAliveTimeoutMs = tryKeepAliveTimeoutMs(bytes, start, end);
        return undefined;
      case FIELD.date:
        this.hasDate = true;
        return undefined;
      default:
        if (isBoundChallenge(bytes, start, end)) this.isBoundToConnection = true;
        return undefined;
    }
  }

  #finish(isHead: boolean): "whole" {
    const line = this.#line;
    const options = this.#options;
    options.markNominated(this.fields);
    this.headEnd = this.#reader.end;
    this.lineStart = this.#from;
    this.status = line.status;
    this.reasonStart = line.reasonStart;
    this.reasonEnd = line.reasonEnd;
    this.isHttp10 = line.isHttp10;
    this.contentLength = this.#framing.contentLength;
    this.hasFraming = this.#framing.isChunked || this.contentLength >= 0;
    this.bodyLength = this.#bodyLengthOf(isHead);
    const isOpen = line.isHttp10 ? options.hasKeepAlive : true;
    this.keepsAlive = isOpen && !options.hasClose && this.bodyLength !== UNTIL_CLOSE;
    return "whole";
  }

  #bodyLengthOf(isHead: boolean): number {
    const { status } = this;
    if (isHead || status < 200 || status === 204 || status === 304) return 0;
    if (this.#framing.isChunked) return CHUNKED;
    return this.contentLength >= 0 ? this.contentLength : UNTIL_CLOSE;
  }
}
