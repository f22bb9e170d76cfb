import {
  type HelloExtensions,
  NO_EXTENSIONS,
  tryCodes,
  tryHelloExtensions,
  u16,
} from "./hello-extensions.ts";

/** What a client offers, RFC 8446 section 4.1.2. Codes are those of the IANA TLS registry, without GREASE (RFC 8701). */
export interface ClientHello {
  /** Lower-case ASCII without a trailing dot (RFC 6066 section 3). */
  readonly serverName: string | undefined;
  /** One character per octet (RFC 7301); escape before printing. */
  readonly alpn: readonly string[];
  readonly legacyVersion: number;
  /** supported_versions, else what legacyVersion stands for: at most TLS 1.2. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** The client asks to resume: a session ticket (RFC 5077) or a pre-shared key (RFC 8446 section 4.2.11). */
  readonly hasSessionTicket: boolean;
}

export type HelloResult =
  | { readonly kind: "hello"; readonly hello: ClientHello }
  | { readonly kind: "incomplete" }
  | { readonly kind: "plaintext-http" }
  | { readonly kind: "not-tls" }
  | { readonly kind: "unsupported-version" }
  | { readonly kind: "malformed" }
  | { readonly kind: "too-large" };

/** Of the handshake message with its header; browsers with post-quantum groups and ECH need about 1,800. */
export const MAX_HELLO_BYTES = 16_384;

// Every call walks all record headers again: without a bound, a hello in one-byte records would cost quadratic time.
const MAX_HELLO_RECORDS = 2_048;
const MAX_RECORD_BYTES = 16_384;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const TLS_1_2 = 0x0303;

const INCOMPLETE: HelloResult = Object.freeze({ kind: "incomplete" });
const PLAINTEXT_HTTP: HelloResult = Object.freeze({ kind: "plaintext-http" });
const NOT_TLS: HelloResult = Object.freeze({ kind: "not-tls" });
const UNSUPPORTED_VERSION: HelloResult = Object.freeze({ kind: "unsupported-version" });
const MALFORMED: HelloResult = Object.freeze({ kind: "malformed" });
const TOO_LARGE: HelloResult = Object.freeze({ kind: "too-large" });

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

/**
 * Says what a connection starts with, from all bytes received so far; bytes after the hello are ignored. An incomplete
 * hello is at most `MAX_HELLO_BYTES` and 2,048 record headers long.
 */
export function parseClientHello(bytes: Buffer): HelloResult {
  if (bytes.length === 0) return INCOMPLETE;
  return bytes[0] === HANDSHAKE_RECORD ? parseRecords(bytes) : recogniseOther(bytes);
}

/** The message may be spread over records at any byte (RFC 8446 section 5.1), its header included. */
function parseRecords(bytes: Buffer): HelloResult {
  let at = 0;
  let received = 0;
  let header = 0;
  for (let records = 1; records <= MAX_HELLO_RECORDS; records += 1) {
    if (at >= bytes.length) return INCOMPLETE;
    if (bytes[at] !== HANDSHAKE_RECORD) return MALFORMED;
    // The minor version of a record is ignored, as RFC 8446 section 5.1 demands.
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return at === 0 ? NOT_TLS : MALFORMED;
    const start = at + RECORD_HEADER_BYTES;
    if (start > bytes.length) return INCOMPLETE;
    const length = u16(bytes, at + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) return MALFORMED;
    const available = Math.min(length, bytes.length - start);
    const headerEnd = start + Math.min(available, MESSAGE_HEADER_BYTES - received);
    for (let next = start; next < headerEnd; next += 1) header = header * 256 + (bytes[next] ?? 0);
    received += available;
    if (received >= MESSAGE_HEADER_BYTES) {
      if (header >>> 24 !== CLIENT_HELLO) return MALFORMED;
      const messageBytes = MESSAGE_HEADER_BYTES + (header & 0xff_ffff);
      if (messageBytes > MAX_HELLO_BYTES) return TOO_LARGE;
      if (received >= messageBytes) {
        const isOneRecord = records === 1;
        return parseMessage(
          isOneRecord
            ? bytes.subarray(start, start + messageBytes)
            : joinRecords(bytes, messageBytes),
        );
      }
    }
    at = start + length;
  }
  return TOO_LARGE;
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
    return MALFORMED;
  const cipherSuites = tryCodes(message, suitesAt + 2, suitesEnd);
  if (cipherSuites === undefined) return MALFORMED;

  const legacyVersion = u16(message, versionAt);
  if (legacyVersion < 0x0300) return UNSUPPORTED_VERSION;
  const extensions = tryExtensionBlock(message, compressionEnd);
  if (extensions === undefined) return MALFORMED;
  return {
    kind: "hello",
    hello: {
      serverName: extensions.serverName,
      alpn: extensions.alpn,
      legacyVersion,
      versions: extensions.versions ?? [Math.min(legacyVersion, TLS_1_2)],
      cipherSuites,
      groups: extensions.groups,
      signatureSchemes: extensions.signatureSchemes,
      hasSessionTicket: extensions.hasSessionTicket,
    },
  };
}

function tryExtensionBlock(message: Buffer, at: number): HelloExtensions | undefined {
  // TLS 1.2 and older clients may leave the block out altogether (RFC 5246 section 7.4.1.2).
  if (at === message.length) return NO_EXTENSIONS;
  if (at + 2 + u16(message, at) !== message.length) return undefined;
  return tryHelloExtensions(message, at + 2, message.length);
}

function recogniseOther(bytes: Buffer): HelloResult {
  if (((bytes[0] ?? 0) & 0x80) !== 0) return recogniseSslV2(bytes);
  for (const start of PLAINTEXT_STARTS) {
    const compared = Math.min(start.length, bytes.length);
    let same = 0;
    while (same < compared && bytes[same] === start.charCodeAt(same)) same += 1;
    if (same === compared) return compared === start.length ? PLAINTEXT_HTTP : INCOMPLETE;
  }
  return NOT_TLS;
}

/** The two-byte record header of SSLv2, msg_type 1 and a version: 0.2, or 3.x for a hello that offers TLS too (RFC 5246 appendix E.2). */
function recogniseSslV2(bytes: Buffer): HelloResult {
  if (bytes.length > 2 && bytes[2] !== CLIENT_HELLO) return NOT_TLS;
  if (bytes.length > 3 && bytes[3] !== 0 && bytes[3] !== 3) return NOT_TLS;
  if (bytes.length < 5) return INCOMPLETE;
  return bytes[3] === 3 || bytes[4] === 2 ? UNSUPPORTED_VERSION : NOT_TLS;
}
