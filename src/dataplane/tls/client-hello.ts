import type { SentAlert } from "./alerts.ts";
import {
  type HelloExtensions,
  NO_EXTENSIONS,
  readHelloExtensions,
  tryCodes,
  u16,
} from "./hello-extensions.ts";

/**
 * What a client offers (RFC 8446 section 4.1.2). Codes are those of the IANA TLS registry, without GREASE (RFC 8701).
 */
export interface ClientHello {
  /** Lower-case ASCII without a trailing dot (RFC 6066 section 3). */
  readonly serverName: string | undefined;
  /** What the client sent as server name, if that is not a host name. One character per octet, at most 255. */
  readonly otherName: string | undefined;
  /**
   * The first 100 protocols at most, with one character per octet (RFC 7301). They must be escaped before they are
   * printed.
   */
  readonly alpn: readonly string[];
  readonly legacyVersion: number;
  /** The list in supported_versions. Without that extension, `legacyVersion`, but at most TLS 1.2. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /**
   * The schemes that the chain may be signed with: signature_algorithms_cert, otherwise the same as `signatureSchemes`.
   */
  readonly certificateSchemes: readonly number[];
  /**
   * Whether the client asks to resume a session, with a session ticket (RFC 5077) or a pre-shared key (RFC 8446 section
   * 4.2.11).
   */
  readonly hasSessionTicket: boolean;
  /** The types of the extensions, in their order. The first 512 at most. */
  readonly extensionTypes: readonly number[];
}

export type HelloResult =
  | { readonly kind: "hello"; readonly hello: ClientHello }
  | { readonly kind: "incomplete" }
  | { readonly kind: "plaintext-http" }
  | { readonly kind: "not-tls" }
  | { readonly kind: "unsupported-version" }
  /** `alert` is the alert that RFC 8446 section 6.2 defines for the fault. */
  | { readonly kind: "malformed"; readonly alert: SentAlert }
  | { readonly kind: "too-large" };

/**
 * The maximum length of a hello, including its header: an extension block of 65,535 bytes, and 2,000 bytes for the
 * rest. Browsers with post-quantum groups and ECH need about 1,800 bytes. A ticket can contain a whole client
 * certificate.
 */
export const MAX_HELLO_BYTES = 66 * 1024;

/** Limits the memory for the headers of tiny records to 40 KB. */
const MAX_HELLO_RECORDS = 8_192;
const MAX_RECORD_BYTES = 16_384;
/** An encrypted record may be this much longer (RFC 8446 section 5.2). */
const MAX_RECORD_EXPANSION = 2_048;
/** The minor version in a record header. TLS 1.3 writes 3 at most. */
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

/**
 * The methods of RFC 9110 section 9 and RFC 5789, each with the space that ends the token, and the HTTP/2 preface (RFC
 * 9113 section 3.4).
 */
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

/** Classifies the start of a connection from all bytes received so far. Bytes after the hello are ignored. */
export const parseClientHello = (bytes: Buffer, maxHelloBytes = MAX_HELLO_BYTES): HelloResult =>
  new HelloReader(maxHelloBytes).read(bytes);

/**
 * Parses one hello that arrives in several chunks. Complete records are not parsed again, so that a hello in tiny
 * chunks costs no more than the number of chunks.
 */
export class HelloReader {
  readonly #maxHelloBytes: number;
  /** Offset of the first incomplete record. */
  #at = 0;
  /** Bytes of the message in the complete records. */
  #received = 0;
  #header = 0;
  #records = 0;

  constructor(maxHelloBytes: number) {
    this.#maxHelloBytes = maxHelloBytes;
  }

  /** `bytes` are all bytes received so far, including those of the previous call. */
  read(bytes: Buffer): HelloResult {
    if (bytes.length === 0) return INCOMPLETE;
    return bytes[0] === HANDSHAKE_RECORD ? this.#readRecords(bytes) : recogniseOther(bytes);
  }

  /**
   * Parses the records. The message, including its header, can be split between records at any byte (RFC 8446 section
   * 5.1).
   */
  #readRecords(bytes: Buffer): HelloResult {
    for (;;) {
      const at = this.#at;
      if (at >= bytes.length) return INCOMPLETE;
      // The records of one message must not be interleaved with other records (RFC 8446 section 5.1).
      if (bytes[at] !== HANDSHAKE_RECORD) return malformed("unexpected_message");
      // The same section requires that the minor version of a record is ignored.
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
  // No offset above exceeds compressionEnd, so one comparison covers all of them.
  if (compressionEnd > message.length || sessionIdLength > 32 || compressionLength === 0)
    return malformed("decode_error");
  const cipherSuites = tryCodes(message, suitesAt + 2, suitesEnd);
  if (cipherSuites === undefined) return malformed("decode_error");

  const legacyVersion = u16(message, versionAt);
  if (legacyVersion < 0x0300) return UNSUPPORTED_VERSION;
  const extensions = readExtensionBlock(message, compressionEnd);
  if (typeof extensions === "string") return malformed(extensions);
  // Every hello must offer the null compression method (RFC 5246 section 7.4.1.2).
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
      extensionTypes: extensions.types,
    },
  };
}

function readExtensionBlock(message: Buffer, at: number): HelloExtensions | SentAlert {
  // Clients of TLS 1.2 and older may omit the extension block (RFC 5246 section 7.4.1.2).
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

/** Classifies a TLS record of another type than handshake, known or unknown (RFC 8446 section 5). */
function recogniseRecord(bytes: Buffer): HelloResult {
  if (bytes.length > 2 && (bytes[2] ?? 0) > MAX_RECORD_MINOR) return NOT_TLS;
  if (bytes.length < RECORD_HEADER_BYTES) return INCOMPLETE;
  return u16(bytes, 3) > MAX_RECORD_BYTES + MAX_RECORD_EXPANSION
    ? NOT_TLS
    : malformed("unexpected_message");
}

/**
 * Recognises the two-byte record header of SSLv2, msg_type 1 and a version: 0.2, or 3.x for a hello that also offers
 * TLS (RFC 5246 appendix E.2).
 */
function recogniseSslV2(bytes: Buffer): HelloResult {
  if (bytes.length > 2 && bytes[2] !== CLIENT_HELLO) return NOT_TLS;
  if (bytes.length > 3 && bytes[3] !== 0 && bytes[3] !== 3) return NOT_TLS;
  if (bytes.length < 5) return INCOMPLETE;
  return bytes[3] === 3 || bytes[4] === 2 ? UNSUPPORTED_VERSION : NOT_TLS;
}
