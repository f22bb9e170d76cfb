import { isText, isWord } from "./ascii.ts";
import { isAuthority } from "./authority.ts";
import { isBoundChallenge } from "./bound-challenge.ts";
import { ConnectionOptions } from "./connection-options.ts";
import { FIELD, kindTableOf } from "./field-names.ts";
import { FieldReader } from "./field-reader.ts";
import { type HeadRefusal, type HeadResult, refusalOf } from "./head-refusal.ts";
import { type HeadFields, MAX_FIELDS, MAX_HEAD_BYTES } from "./head-fields.ts";
import { CHUNKED, MessageFraming } from "./message-framing.ts";
import { RequestLine } from "./request-line.ts";
import { isVersion13 } from "./web-socket-version.ts";

const CONTINUE = Buffer.from("100-continue", "latin1");
const WEBSOCKET = Buffer.from("websocket", "latin1");

/** Stands for the index of a field that is there more than once. */
const SEVERAL = MAX_FIELDS;

const WATCHED = kindTableOf([
  FIELD.host,
  FIELD.contentLength,
  FIELD.transferEncoding,
  FIELD.connection,
  FIELD.upgrade,
  FIELD.expect,
  FIELD.authorization,
  FIELD.proxyAuthorization,
]);

/**
 * Parses the heads of HTTP/1.1 and HTTP/1.0 requests, one after the other (RFC 9112). The results are valid after
 * "whole", until the next call of `parse`. All offsets refer to the bytes of the last call.
 */
export class RequestParser {
  readonly fields: HeadFields;
  /** The offset after the empty line that ends the head. */
  headEnd = 0;
  /** A token of at most 32 bytes. Methods are case-sensitive. After a refusal, it is "" if the method was not read. */
  method = "";
  /** Whether the method is one that RFC 9110 section 9.2.2 defines as idempotent. */
  isIdempotent = false;
  /** The form of the target (RFC 9112 section 3.2). The authority form is refused. */
  form: "origin" | "absolute" | "asterisk" = "origin";
  /** Where the request line starts, after an empty line. It ends before the first field. */
  lineStart = 0;
  targetStart = 0;
  targetEnd = 0;
  /**
   * The range of path and query. In the absolute form it is empty or starts with `/` or `?`. In the other forms it is the
   * target.
   */
  pathStart = 0;
  pathEnd = 0;
  /** The authority of the absolute form, otherwise Host. It is "" for HTTP/1.0 without Host. */
  authority = "";
  isHttp10 = false;
  /** The number of bytes of the body, 0 if there is none, or `CHUNKED`. */
  bodyLength = 0;
  /** Whether there is a Content-Length or Transfer-Encoding field. */
  hasFraming = false;
  /** Whether the client wants the connection to end after this exchange (RFC 9112 section 9.3). */
  wantsClose = false;
  /** What a request without a body asks for by Upgrade and `Connection: upgrade` (RFC 9110 section 7.8). */
  upgrade: "none" | "websocket" | "other" = "none";
  /** Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1). */
  expectsContinue = false;
  /** Whether Authorization or Proxy-Authorization has a scheme that authenticates the connection (NTLM, Negotiate). */
  isBoundToConnection = false;
  readonly #line = new RequestLine();
  readonly #reader = new FieldReader(WATCHED, false);
  readonly #options = new ConnectionOptions();
  readonly #framing = new MessageFraming(false);
  #from = 0;
  #isPartial = false;
  #hasLine = false;
  #host = -1;
  #upgrade = -1;
  #hasExpect = false;

  constructor() {
    this.fields = this.#reader.fields;
  }

  /**
   * Parses a head that starts at offset `from`, from the bytes up to offset `to`. After "partial", the next call continues.
   * It needs the same bytes and more, and `from` may be another offset. A fault is returned as soon as the element ends that
   * has it, or earlier. After "whole" and a refusal, the next call starts with a new head.
   */
  parse(bytes: Buffer, from: number, to: number): HeadResult {
    if (!this.#isPartial) this.#restart(from);
    else if (from !== this.#from) this.#shift(from);
    this.fields.bytes = bytes;
    const result = this.#read(bytes, to);
    this.#isPartial = result === "partial";
    if (typeof result === "object") this.method = this.#line.method;
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
    this.#host = -1;
    this.#upgrade = -1;
    this.#hasExpect = false;
    this.isBoundToConnection = false;
  }

  #shift(from: number): void {
    const delta = from - this.#from;
    this.#from = from;
    this.#line.shift(delta);
    this.#reader.shift(delta);
  }

  #read(bytes: Buffer, to: number): HeadResult {
    if (!this.#hasLine) {
      const result = this.#line.read(bytes, to);
      if (result !== "whole") return result;
      this.#hasLine = true;
      this.#reader.start(this.#line.end, this.#line.start + MAX_HEAD_BYTES);
    }
    for (;;) {
      const step = this.#reader.read(bytes, to);
      if (step === "end") return this.#finish(bytes);
      if (step !== "field") return step;
      const refusal = this.#takeField(bytes, this.fields.count - 1);
      if (refusal !== undefined) return refusal;
    }
  }

  #takeField(bytes: Buffer, index: number): HeadRefusal | undefined {
    const start = this.fields.valueStart[index] ?? 0;
    const end = this.fields.valueEnd[index] ?? 0;
    switch (this.fields.kind[index] ?? 0) {
      case FIELD.host:
        if (this.#host >= 0) return refusalOf("several-hosts");
        this.#host = index;
        return isAuthority(bytes, start, end) ? undefined : refusalOf("bad-host");
      case FIELD.contentLength:
        return this.#framing.takeContentLength(bytes, start, end);
      case FIELD.transferEncoding:
        if (this.#line.isHttp10) return refusalOf("transfer-encoding-in-http-1.0");
        return this.#framing.takeTransferEncoding(bytes, start, end);
      case FIELD.connection:
        return this.#options.take(bytes, start, end);
      case FIELD.upgrade:
        this.#upgrade = this.#upgrade < 0 ? index : SEVERAL;
        return undefined;
      case FIELD.expect:
        if (this.#line.isHttp10) return undefined;
        this.#hasExpect = true;
        return isWord(bytes, start, end, CONTINUE) ? undefined : refusalOf("unknown-expectation");
      default:
        if (isBoundChallenge(bytes, start, end)) this.isBoundToConnection = true;
        return undefined;
    }
  }

  #finish(bytes: Buffer): HeadResult {
    const line = this.#line;
    if (this.#host < 0 && !line.isHttp10) return refusalOf("no-host");
    const framing = this.#framing;
    const options = this.#options;
    options.markNominated(this.fields);
    this.headEnd = this.#reader.end;
    this.method = line.method;
    this.isIdempotent = line.isIdempotent;
    this.form = line.form;
    this.lineStart = line.start;
    this.targetStart = line.targetStart;
    this.targetEnd = line.targetEnd;
    this.pathStart = line.pathStart;
    this.pathEnd = line.targetEnd;
    this.isHttp10 = line.isHttp10;
    this.authority = this.#authorityOf(bytes);
    this.bodyLength = framing.isChunked ? CHUNKED : Math.max(0, framing.contentLength);
    this.hasFraming = framing.isChunked || framing.contentLength >= 0;
    this.wantsClose = options.hasClose || (line.isHttp10 && !options.hasKeepAlive);
    this.upgrade = this.#upgradeOf(bytes);
    if (this.upgrade === "websocket" && this.#hasOtherWebSocketVersion) {
      return refusalOf("unknown-websocket-version");
    }
    this.expectsContinue = this.#hasExpect && this.bodyLength !== 0;
    return "whole";
  }

  #authorityOf(bytes: Buffer): string {
    let { authorityStart: start, authorityEnd: end } = this.#line;
    if (start === end) {
      if (this.#host < 0) return "";
      start = this.fields.valueStart[this.#host] ?? 0;
      end = this.fields.valueEnd[this.#host] ?? 0;
    }
    // It is often that of the previous head, and to compare is cheaper than to make a string.
    if (isText(bytes, start, end, this.authority)) return this.authority;
    return bytes.toString("latin1", start, end);
  }

  #upgradeOf(bytes: Buffer): "none" | "websocket" | "other" {
    const isWanted = this.#upgrade >= 0 && this.#options.hasUpgrade && !this.isHttp10;
    if (!isWanted || this.bodyLength !== 0) return "none";
    if (this.#upgrade === SEVERAL || this.method !== "GET") return "other";
    const start = this.fields.valueStart[this.#upgrade] ?? 0;
    const end = this.fields.valueEnd[this.#upgrade] ?? 0;
    return isWord(bytes, start, end, WEBSOCKET) ? "websocket" : "other";
  }

  /** A request without a version is an ordinary one, and its endpoint says what is missing. */
  get #hasOtherWebSocketVersion(): boolean {
    const { fields } = this;
    return fields.find(FIELD.secWebsocketVersion) >= 0 && !isVersion13(fields);
  }
}
