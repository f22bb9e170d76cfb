import type { SentAlert } from "./alerts.ts";
import {
  type HelloExtensions,
  NO_EXTENSIONS,
  readHelloExtensions,
  tryCodes,
  u16,
} from "./hello-extensions.ts";

/** What a client offers, RFC 8446 section 4.1.2. Codes are those of the IANA TLS registry, without GREASE (RFC 8701). */
export interface ClientHello {
  /** Lower-case ASCII without a trailing dot (RFC 6066 section 3). */
  readonly serverName: string | undefined;
  /** What the client sent as its server name where that is no host name; one character per octet, at most 255. */
  readonly otherName: string | undefined;
  /** One character per octet (RFC 7301), the first 100 at most; escape before printing. */
  readonly alpn: readonly string[];
  readonly legacyVersion: number;
  /** supported_versions, else what legacyVersion stands for: at most TLS 1.2. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** signature_algorithms_cert, else the same as `signatureSchemes`: what the chain may be signed with. */
  readonly certificateSchemes: readonly number[];
  /** The client asks to resume: a session ticket (RFC 5077) or a pre-shared key (RFC 8446 section 4.2.11). */
  readonly hasSessionTicket: boolean;
}

export type HelloResult =
  | { readonly kind: "hello"; readonly hello: ClientHello }
  | { readonly kind: "incomplete" }
  | { readonly kind: "plaintext-http" }
  | { readonly kind: "not-tls" }
  | { readonly kind: "unsupported-version" }
  /** `alert` is what RFC 8446 section 6.2 has for it. */
  | { readonly kind: "malformed"; readonly alert: SentAlert }
  | { readonly kind: "too-large" };

/**
 * The longest hello that is read, with its header: an extension block of 65,535 bytes and 2,000 for the rest. Browsers
 * with post-quantum groups and ECH need about 1,800; a ticket may hold a whole client certificate.
 */
export const MAX_HELLO_BYTES = 66 * 1024;

/** What the headers of tiny records may cost beside the message: 40 KB. */
const MAX_HELLO_RECORDS = 8_192;
const MAX_RECORD_BYTES = 16_384;
/** RFC 8446 section 5.2: an encrypted record may be this much longer. */
const MAX_RECORD_EXPANSION = 2_048;
/** Of TLS 1.3, which writes 3 at the most. */
const MAX_RECORD_MINOR = 4;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const TLS_1_2 = 0x0303;
const NO_COMPRESSION = 0;

const INCOMPLETE: HelloResult = Object.freeze({ kind: "incomplete" });
const PLAINTEXT_HTTP: HelloResult = Object.freeze({ kind: "plaintext-http" });
const NOT_TLS: HelloResult = Object.freeze({ kind: "not-tls" });
const UNSUPPORTED_VERSION: HelloResult = Object.freeze({ kind: "unsupported-version" });
const TOO_LARGE: HelloResult = Object.freeze({ kind: "too-large" });

const malformed = (alert: SentAlert): HelloResult => ({ kind: "malformed", alert });

/** RFC 9110 section 9 and RFC 5789, each with the space that ends the token; RFC 9113 section 3.4. */
const PLAINTEXT_STARTS = [
  "GET ",
  "HEAD ",
  "POST ",
  "PUT ",
  "DELETE ",
  "OPTIONS ",
  "PATCH ",
  "TRACE ",
  "CONNECT ",
  "PRI * HTTP/2.0",
];

/** Says what a connection starts with, from all bytes received so far; bytes after the hello are ignored. */
export const parseClientHello = (bytes: Buffer, maxHelloBytes = MAX_HELLO_BYTES): HelloResult =>
  new HelloReader(maxHelloBytes).read(bytes);

/**
 * Reads one hello that comes in pieces. Records that are complete are not looked at again, so that a hello in tiny pieces
 * costs no more than their number.
 */
export class HelloReader {
  readonly #maxHelloBytes: number;
  /** Where the first record starts that is not complete. */
  #at = 0;
  /** Bytes of the message in the records before it. */
  #received = 0;
  #header = 0;
  #records = 0;

  constructor(maxHelloBytes: number) {
    this.#maxHelloBytes = maxHelloBytes;
  }

  /** `bytes` are all that came so far: those of the call before, and more. */
  read(bytes: Buffer): HelloResult {
    if (bytes.length === 0) return INCOMPLETE;
    return bytes[0] === HANDSHAKE_RECORD ? this.#readRecords(bytes) : recogniseOther(bytes);
  }

  /** The message may be spread over records at any byte (RFC 8446 section 5.1), its header included. */
  #readRecords(bytes: Buffer): HelloResult {
    for (;;) {
      const at = this.#at;
      if (at >= bytes.length) return INCOMPLETE;
      // RFC 8446 section 5.1: no other record comes between those of one message.
      if (bytes[at] !== HANDSHAKE_RECORD) return malformed("unexpected_message");
      // The minor version of a record is ignored, as the same section demands.
      if (at + 1 < bytes.length && bytes[at + 1] !== 3)
        return at === 0 ? NOT_TLS : malformed("protocol_version");
      const start = at + RECORD_HEADER_BYTES;
      if (start > bytes.length) return INCOMPLETE;
      const length = u16(bytes, at + 3);
      if (length === 0) return malformed("unexpected_message");
      if (length > MAX_RECORD_BYTES) return malformed("record_overflow");
      if (this.#records === MAX_HELLO_RECORDS) return TOO_LARGE;
      const available = Math.min(length, bytes.length - start);
      const headerEnd = start + Math.min(available, MESSAGE_HEADER_BYTES - this.#received);
      let header = this.#header;
      for (let next = start; next < headerEnd; next += 1)
        header = header * 256 + (bytes[next] ?? 0);
      const received = this.#received + available;
      if (received >= MESSAGE_HEADER_BYTES) {
        if (header >>> 24 !== CLIENT_HELLO) return malformed("unexpected_message");
        const messageBytes = MESSAGE_HEADER_BYTES + (header & 0xff_ffff);
        if (messageBytes > this.#maxHelloBytes) return TOO_LARGE;
        if (received >= messageBytes) {
          return parseMessage(
            at === 0
              ? bytes.subarray(start, start + messageBytes)
              : joinRecords(bytes, messageBytes),
          );
        }
      }
      if (available < length) return INCOMPLETE;
      this.#at = start + length;
      this.#received = received;
      this.#header = header;
      this.#records += 1;
    }
  }
}

function joinRecords(bytes: Buffer, messageBytes: number): Buffer {
  const message = Buffer.allocUnsafe(messageBytes);
  let filled = 0;
  for (let at = 0; filled < messageBytes; at += RECORD_HEADER_BYTES + u16(bytes, at + 3)) {
    const start = at + RECORD_HEADER_BYTES;
    filled += bytes.copy(message, filled, start, start + u16(bytes, at + 3));
  }
  return message;
}

function parseMessage(message: Buffer): HelloResult {
  const versionAt = MESSAGE_HEADER_BYTES;
  const sessionIdAt = versionAt + 2 + 32;
  const sessionIdLength = message[sessionIdAt] ?? 0;
  const suitesAt = sessionIdAt + 1 + sessionIdLength;
  const suitesEnd = suitesAt + 2 + u16(message, suitesAt);
  const compressionLength = message[suitesEnd] ?? 0;
  const compressionEnd = suitesEnd + 1 + compressionLength;
  // Every offset above is at most this one, so that one comparison covers all of them.
  if (compressionEnd > message.length || sessionIdLength > 32 || compressionLength === 0)
    return malformed("decode_error");
  const cipherSuites = tryCodes(message, suitesAt + 2, suitesEnd);
  if (cipherSuites === undefined) return malformed("decode_error");

  const legacyVersion = u16(message, versionAt);
  if (legacyVersion < 0x0300) return UNSUPPORTED_VERSION;
  const extensions = readExtensionBlock(message, compressionEnd);
  if (typeof extensions === "string") return malformed(extensions);
  // RFC 5246 section 7.4.1.2: every hello offers to do without compression.
  if (!message.subarray(suitesEnd + 1, compressionEnd).includes(NO_COMPRESSION))
    return malformed("illegal_parameter");
  return {
    kind: "hello",
    hello: {
      serverName: extensions.serverName,
      otherName: extensions.otherName,
      alpn: extensions.alpn,
      legacyVersion,
      versions: extensions.versions ?? [Math.min(legacyVersion, TLS_1_2)],
      cipherSuites,
      groups: extensions.groups,
      signatureSchemes: extensions.signatureSchemes,
      certificateSchemes: extensions.certificateSchemes ?? extensions.signatureSchemes,
      hasSessionTicket: extensions.hasSessionTicket,
    },
  };
}

function readExtensionBlock(message: Buffer, at: number): HelloExtensions | SentAlert {
  // TLS 1.2 and older clients may leave the block out altogether (RFC 5246 section 7.4.1.2).
  if (at === message.length) return NO_EXTENSIONS;
  if (at + 2 + u16(message, at) !== message.length) return "decode_error";
  return readHelloExtensions(message, at + 2, message.length);
}

function recogniseOther(bytes: Buffer): HelloResult {
  if (((bytes[0] ?? 0) & 0x80) !== 0) {
    const result = recogniseSslV2(bytes);
    if (result !== NOT_TLS || bytes[1] !== 3) return result;
  }
  if (bytes[1] === 3 || bytes.length === 1) return recogniseRecord(bytes);
  for (const start of PLAINTEXT_STARTS) {
    const compared = Math.min(start.length, bytes.length);
    let same = 0;
    while (same < compared && bytes[same] === start.charCodeAt(same)) same += 1;
    if (same === compared) return compared === start.length ? PLAINTEXT_HTTP : INCOMPLETE;
  }
  return NOT_TLS;
}

/** A record of TLS that holds something else than a handshake message (RFC 8446 section 5), of a known type or not. */
function recogniseRecord(bytes: Buffer): HelloResult {
  if (bytes.length > 2 && (bytes[2] ?? 0) > MAX_RECORD_MINOR) return NOT_TLS;
  if (bytes.length < RECORD_HEADER_BYTES) return INCOMPLETE;
  return u16(bytes, 3) > MAX_RECORD_BYTES + MAX_RECORD_EXPANSION
    ? NOT_TLS
    : malformed("unexpected_message");
}

/** The two-byte record header of SSLv2, msg_type 1 and a version: 0.2, or 3.x for a hello that offers TLS too (RFC 5246 appendix E.2). */
function recogniseSslV2(bytes: Buffer): HelloResult {
  if (bytes.length > 2 && bytes[2] !== CLIENT_HELLO) return NOT_TLS;
  if (bytes.length > 3 && bytes[3] !== 0 && bytes[3] !== 3) return NOT_TLS;
  if (bytes.length < 5) return INCOMPLETE;
  return bytes[3] === 3 || bytes[4] === 2 ? UNSUPPORTED_VERSION : NOT_TLS;
}
