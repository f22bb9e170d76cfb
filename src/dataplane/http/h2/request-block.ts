import { randomBytes } from "node:crypto";
import type { HeadRule } from "../head/head-refusal.ts";
import { ASTERISK, IS_TARGET, IS_TOKEN, isText, isWord, SLASH } from "../head/ascii.ts";
import { isAuthority } from "../head/authority.ts";
import { isBoundChallenge } from "../head/bound-challenge.ts";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import { methodOf } from "../head/known-methods.ts";
import { CHUNKED, MessageFraming } from "../head/message-framing.ts";
import { hasBadEscape } from "../head/path-escapes.ts";
import type { RequestHead } from "../request-head.ts";
import { isVersion13 } from "../head/web-socket-version.ts";
import { FieldStore } from "./field-store.ts";
import type { FieldSink } from "./hpack/hpack-decoder.ts";

const CONTINUE = Buffer.from("100-continue", "latin1");
const HTTPS = Buffer.from("https", "latin1");
const WEBSOCKET = Buffer.from("websocket", "latin1");
const MAX_METHOD_BYTES = 32;
const MAX_PATH_BYTES = 16_384;
/** Methods whose requests have a body, even if it is empty (RFC 9110 section 8.6). */
const WITH_LENGTH: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const COLON = 0x3a;

interface Range {
  start: number;
  end: number;
}

/**
 * Takes the field block of a request (RFC 9113 section 8.3) and offers it as one of HTTP/1.1. The lines stay where the decoder has put
 * them; those that are added follow them. The results are valid until the next block of any connection.
 */
export class RequestBlock implements FieldSink, RequestHead {
  readonly #store = new FieldStore();
  readonly #framing = new MessageFraming(false);
  /** The values of the pseudo-fields. The start of one that is missing is -1. */
  readonly #method: Range = { start: -1, end: -1 };
  readonly #scheme: Range = { start: -1, end: -1 };
  readonly #path: Range = { start: -1, end: -1 };
  readonly #authority: Range = { start: -1, end: -1 };
  readonly #protocol: Range = { start: -1, end: -1 };
  #hasRegular = false;
  #cookies = 0;
  #host = -1;
  #hasExpect = false;
  /** Where the next line can be added. */
  #end = 0;
  /** The first rule that the block breaks. */
  rule: HeadRule | undefined;
  readonly fields: HeadFields = this.#store.fields;
  readonly form = "absolute";
  readonly isHttp10 = false;
  readonly lineStart = -1;
  method = "";
  isIdempotent = false;
  targetStart = 0;
  targetEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  authority = "";
  bodyLength = 0;
  hasFraming = false;
  upgrade: "none" | "websocket" = "none";
  expectsContinue = false;
  isBoundToConnection = false;

  restart(): void {
    this.#store.restart();
    this.#framing.restart();
    this.#method.start = -1;
    this.#scheme.start = -1;
    this.#path.start = -1;
    this.#authority.start = -1;
    this.#protocol.start = -1;
    this.#hasRegular = false;
    this.#cookies = 0;
    this.#host = -1;
    this.#hasExpect = false;
    this.rule = undefined;
    this.isBoundToConnection = false;
    this.upgrade = "none";
  }

  field(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    this.#end = valueEnd + 2;
    this.rule =
      bytes[nameStart] === COLON && nameEnd > nameStart
        ? this.#takePseudo(bytes, nameStart, nameEnd, valueStart, valueEnd)
        : this.#takeField(bytes, nameStart, nameEnd, valueStart, valueEnd);
    this.fields.bytes = bytes;
    return this.rule === undefined;
  }

  #takePseudo(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    start: number,
    end: number,
  ): HeadRule | undefined {
    const range = this.#tryPseudo(bytes, nameStart, nameEnd);
    if (range === undefined || range.start >= 0 || this.#hasRegular) return "bad-pseudo-field";
    range.start = start;
    range.end = end;
    return undefined;
  }

  #tryPseudo(bytes: Buffer, start: number, end: number): Range | undefined {
    if (isText(bytes, start, end, ":method")) return this.#method;
    if (isText(bytes, start, end, ":scheme")) return this.#scheme;
    if (isText(bytes, start, end, ":path")) return this.#path;
    if (isText(bytes, start, end, ":authority")) return this.#authority;
    return isText(bytes, start, end, ":protocol") ? this.#protocol : undefined;
  }

  #takeField(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    start: number,
    end: number,
  ): HeadRule | undefined {
    this.#hasRegular = true;
    const { fields } = this;
    const rule = this.#store.take(bytes, nameStart, nameEnd, start, end);
    if (rule !== undefined) return rule;
    const index = fields.count - 1;
    switch (fields.kind[index] ?? 0) {
      case FIELD.cookie:
        this.#cookies += 1;
        return undefined;
      case FIELD.host:
        if (this.#host >= 0) return "several-hosts";
        this.#host = index;
        return undefined;
      case FIELD.contentLength:
        return this.#framing.takeContentLength(bytes, start, end)?.rule;
      case FIELD.expect:
        this.#hasExpect = true;
        return isWord(bytes, start, end, CONTINUE) ? undefined : "unknown-expectation";
      case FIELD.authorization:
      case FIELD.proxyAuthorization:
        if (isBoundChallenge(bytes, start, end)) this.isBoundToConnection = true;
        return undefined;
      default:
        return undefined;
    }
  }

  /** Whether the method is HEAD, even if the block breaks a rule. */
  get isHead(): boolean {
    const { start, end } = this.#method;
    return start >= 0 && this.fields.bytes.toString("latin1", start, end) === "HEAD";
  }

  /** Checks the block as a whole. Returns the rule that it breaks, or undefined. */
  finish(endsStream: boolean): HeadRule | undefined {
    if (this.rule !== undefined) return this.rule;
    return this.#finishTarget() ?? this.#finishAuthority() ?? this.#finishBody(endsStream);
  }

  #finishTarget(): HeadRule | undefined {
    const { bytes } = this.fields;
    const method = this.#method;
    const scheme = this.#scheme;
    const path = this.#path;
    const protocol = this.#protocol;
    if (method.start < 0) return "bad-pseudo-field";
    for (let at = method.start; at < method.end; at += 1) {
      if (IS_TOKEN[bytes[at] ?? 0] !== 1) return "bad-method";
    }
    if (method.end === method.start) return "bad-method";
    if (method.end - method.start > MAX_METHOD_BYTES) return "long-method";
    const { text, isIdempotent } = methodOf(bytes, method.start, method.end);
    this.method = text;
    this.isIdempotent = isIdempotent;
    if (this.method === "TRACE") return "trace-method";
    if (protocol.start >= 0) {
      if (this.method !== "CONNECT") return "bad-pseudo-field";
      this.upgrade = "websocket";
      this.method = "GET";
      this.isIdempotent = true;
    } else if (this.method === "CONNECT") {
      // It has neither :scheme nor :path (RFC 9113 section 8.5).
      return scheme.start < 0 && path.start < 0 ? "connect-method" : "bad-pseudo-field";
    }
    if (scheme.start < 0 || path.start < 0) return "bad-pseudo-field";
    if (!isWord(bytes, scheme.start, scheme.end, HTTPS)) return "bad-scheme";
    if (this.upgrade === "websocket" && !isWord(bytes, protocol.start, protocol.end, WEBSOCKET)) {
      return "unknown-protocol";
    }
    return this.#finishPath(bytes, path);
  }

  #finishPath(bytes: Buffer, { start, end }: Range): HeadRule | undefined {
    if (start === end) return "bad-target";
    if (end - start > MAX_PATH_BYTES) return "long-request-line";
    this.targetStart = start;
    this.targetEnd = end;
    this.pathStart = start;
    this.pathEnd = end;
    if (bytes[start] === ASTERISK && end === start + 1) {
      // The empty path of an OPTIONS request in absolute form is that of the whole server.
      this.pathEnd = start;
      return this.method === "OPTIONS" ? undefined : "bad-target";
    }
    if (bytes[start] !== SLASH) return "bad-target";
    for (let at = start; at < end; at += 1) {
      if (IS_TARGET[bytes[at] ?? 0] === 0) return "bad-target";
    }
    return hasBadEscape(bytes, start, end) ? "bad-target" : undefined;
  }

  #finishAuthority(): HeadRule | undefined {
    const { bytes, valueStart, valueEnd } = this.fields;
    const { start, end } = this.#authority;
    const hostStart = valueStart[this.#host] ?? 0;
    const hostEnd = valueEnd[this.#host] ?? 0;
    if (start < 0) {
      if (this.#host < 0) return "no-host";
      this.#takeAuthority(bytes, hostStart, hostEnd);
      return isAuthority(bytes, hostStart, hostEnd) ? undefined : "bad-host";
    }
    if (!isAuthority(bytes, start, end)) return "bad-host";
    this.#takeAuthority(bytes, start, end);
    if (this.#host < 0) return undefined;
    const host = bytes.toString("latin1", hostStart, hostEnd);
    return host.toLowerCase() === this.authority.toLowerCase() ? undefined : "differing-hosts";
  }

  /** It is often that of the previous block, and to compare is cheaper than to make a string. */
  #takeAuthority(bytes: Buffer, start: number, end: number): void {
    if (isText(bytes, start, end, this.authority)) return;
    this.authority = bytes.toString("latin1", start, end);
  }

  #finishBody(endsStream: boolean): HeadRule | undefined {
    const { contentLength } = this.#framing;
    if (this.upgrade === "websocket") {
      if (contentLength >= 0 || endsStream) return "bad-pseudo-field";
      this.bodyLength = 0;
      this.hasFraming = false;
      if (!isVersion13(this.fields)) return "unknown-websocket-version";
      this.#giveKey();
    } else if (endsStream) {
      if (contentLength > 0) return "wrong-length";
      this.bodyLength = 0;
      this.hasFraming = contentLength === 0 || WITH_LENGTH.has(this.method);
    } else {
      this.bodyLength = contentLength >= 0 ? contentLength : CHUNKED;
      this.hasFraming = true;
    }
    this.expectsContinue = this.#hasExpect && this.bodyLength !== 0;
    if (this.#cookies > 1) this.#joinCookies();
    return undefined;
  }

  /** Adds the key of the director. HTTP/2 has no use for one of the client (RFC 8441 section 5), so it is not passed on. */
  #giveKey(): void {
    const { fields } = this;
    for (;;) {
      const index = fields.find(FIELD.secWebsocketKey);
      if (index < 0) break;
      fields.kind[index] = 0;
      fields.isHop[index] = 1;
    }
    const key = randomBytes(16).toString("base64");
    this.#add("sec-websocket-key", key, FIELD.secWebsocketKey);
  }

  /** Joins the crumbs of Cookie to one field (RFC 9113 section 8.2.3). */
  #joinCookies(): void {
    const { fields } = this;
    const crumbs: string[] = [];
    for (let index = fields.find(FIELD.cookie); index >= 0;) {
      crumbs.push(fields.value(index));
      fields.isHop[index] = 1;
      index = fields.find(FIELD.cookie, index + 1);
    }
    this.#add("cookie", crumbs.join("; "), FIELD.cookie);
  }

  #add(name: string, value: string, kind: number): void {
    const { fields } = this;
    const start = this.#end;
    const valueStart = start + name.length + 2;
    const valueEnd = valueStart + value.length;
    this.#end = start + fields.bytes.write(`${name}: ${value}\r\n`, start, "latin1");
    this.#store.append(fields.bytes, start, start + name.length, valueStart, valueEnd, kind);
  }
}
