import { CIPHER_SUITES, GROUPS } from "#model/tls/cipher-suites.ts";
import { SCHEMES } from "#model/tls/signature-schemes.ts";
import type { SentAlert } from "./alerts.ts";
import { readServerName } from "./sent-server-name.ts";

/** The extensions of a ClientHello that the director reads (RFC 8446 section 4.2), without GREASE values (RFC 8701). */
export interface HelloExtensions {
  readonly serverName: string | undefined;
  readonly otherName: string | undefined;
  readonly alpn: readonly string[];
  /** Undefined if the hello has no supported_versions. */
  readonly versions: readonly number[] | undefined;
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** Undefined if the hello has no signature_algorithms_cert. */
  readonly certificateSchemes: readonly number[] | undefined;
  readonly hasSessionTicket: boolean;
  /** The types of all extensions, in their order. The first 512 at most. */
  readonly types: readonly number[];
}

const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;
const SUPPORTED_VERSIONS = 43;
const SIGNATURE_ALGORITHMS_CERT = 50;

// A hello can contain 32,000 protocol names of one letter, and they are kept only for the record of the handshake.
const MAX_KEPT_PROTOCOLS = 100;
const MAX_KEPT_PROTOCOL_BYTES = 4_096;
/**
 * If a list is longer than that of any real client, only codes that can affect a decision are kept beyond this number.
 */
const MAX_KEPT_CODES = 512;
const NONE: readonly never[] = Object.freeze([]);

const KNOWN_CODES: ReadonlySet<number> = new Set([
  ...CIPHER_SUITES.map(({ code }) => code),
  ...Object.values(GROUPS),
  ...Object.values(SCHEMES),
]);

export const NO_EXTENSIONS: HelloExtensions = Object.freeze({
  serverName: undefined,
  otherName: undefined,
  alpn: NONE,
  versions: undefined,
  groups: NONE,
  signatureSchemes: NONE,
  certificateSchemes: undefined,
  hasSessionTicket: false,
  types: NONE,
});

export function u16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** One bit for each extension type. All bits are zero between two calls. */
const seenTypes = new Uint8Array(65_536 / 8);

/** Parses the extension block between `from` and `end`, or returns the alert for its fault (RFC 8446 section 6.2). */
export function readHelloExtensions(
  bytes: Buffer,
  from: number,
  end: number,
): HelloExtensions | SentAlert {
  const checked = checkBlock(bytes, from, end);
  return checked ?? readBlock(bytes, from, end);
}

/**
 * Checks the lengths of the extensions, and that no type occurs twice, known or unknown (RFC 8446 section 4.2). Of two
 * extensions of one type, the engine might use another one than the director.
 */
function checkBlock(bytes: Buffer, from: number, end: number): SentAlert | undefined {
  let alert: SentAlert | undefined;
  let at = from;
  while (at < end) {
    const next = at + 4 + u16(bytes, at + 2);
    if (at + 4 > end || next > end) {
      alert = "decode_error";
      break;
    }
    const type = u16(bytes, at);
    const bit = 1 << (type & 7);
    const byte = seenTypes[type >> 3] ?? 0;
    if ((byte & bit) !== 0) {
      alert = "illegal_parameter";
      break;
    }
    seenTypes[type >> 3] = byte | bit;
    at = next;
  }
  for (let seen = from; seen < at; seen += 4 + u16(bytes, seen + 2))
    seenTypes[u16(bytes, seen) >> 3] = 0;
  return alert;
}

/** Parses a block that checkBlock has accepted. */
function readBlock(bytes: Buffer, from: number, end: number): HelloExtensions | SentAlert {
  let { serverName, otherName, alpn, versions, groups, signatureSchemes, certificateSchemes } =
    NO_EXTENSIONS;
  let hasSessionTicket = false;
  const types: number[] = [];
  for (let at = from; at < end;) {
    const type = u16(bytes, at);
    if (types.length < MAX_KEPT_CODES && !isGrease(type)) types.push(type);
    const start = at + 4;
    at = start + u16(bytes, at + 2);
    switch (type) {
      case SERVER_NAME: {
        const sent = readServerName(bytes, start, at);
        if (typeof sent === "string") return sent;
        serverName = sent.name;
        otherName = sent.otherName;
        break;
      }
      case ALPN: {
        const protocols = tryProtocols(bytes, start, at);
        if (protocols === undefined) return "decode_error";
        alpn = protocols;
        break;
      }
      case SUPPORTED_VERSIONS:
        if (start + (bytes[start] ?? 0) + 1 !== at) return "decode_error";
        versions = tryCodes(bytes, start + 1, at);
        if (versions === undefined) return "decode_error";
        break;
      case SUPPORTED_GROUPS:
      case SIGNATURE_ALGORITHMS:
      case SIGNATURE_ALGORITHMS_CERT: {
        const codes =
          start + u16(bytes, start) + 2 === at ? tryCodes(bytes, start + 2, at) : undefined;
        if (codes === undefined) return "decode_error";
        if (type === SUPPORTED_GROUPS) groups = codes;
        else if (type === SIGNATURE_ALGORITHMS) signatureSchemes = codes;
        else certificateSchemes = codes;
        break;
      }
      case SESSION_TICKET:
        if (at > start) hasSessionTicket = true;
        break;
      case PRE_SHARED_KEY:
        hasSessionTicket = true;
        break;
    }
  }
  return {
    serverName,
    otherName,
    alpn,
    versions,
    groups,
    signatureSchemes,
    certificateSchemes,
    hasSessionTicket,
    types,
  };
}

/** Parses a vector of 16-bit codes, without its length field. Returns undefined if it is empty or has an odd length. */
export function tryCodes(bytes: Buffer, from: number, end: number): readonly number[] | undefined {
  if (from >= end || (end - from) % 2 !== 0) return undefined;
  const codes: number[] = [];
  const keptEnd = Math.min(end, from + 2 * MAX_KEPT_CODES);
  for (let at = from; at < keptEnd; at += 2) {
    const code = u16(bytes, at);
    if (!isGrease(code)) codes.push(code);
  }
  if (keptEnd === end) return codes;
  const known = new Set<number>();
  for (let at = keptEnd; at < end; at += 2) {
    const code = u16(bytes, at);
    if (KNOWN_CODES.has(code)) known.add(code);
  }
  return [...codes, ...known];
}

/** Whether the code is a GREASE value: 0x0a0a, 0x1a1a, to 0xfafa (RFC 8701). */
function isGrease(code: number): boolean {
  return (code & 0x0f0f) === 0x0a0a && code >> 8 === (code & 0xff);
}

/**
 * Parses the ALPN list (RFC 7301 section 3.1). Names are octets, one character each, so that no two names become equal.
 * The engine chooses the protocol, so the first names are enough for the record.
 */
function tryProtocols(bytes: Buffer, from: number, end: number): readonly string[] | undefined {
  if (from + 2 >= end || from + 2 + u16(bytes, from) !== end) return undefined;
  const protocols: string[] = [];
  const keptEnd = from + 2 + MAX_KEPT_PROTOCOL_BYTES;
  let at = from + 2;
  while (at < end) {
    const start = at + 1;
    at = start + (bytes[at] ?? 0);
    if (at === start || at > end) return undefined;
    if (at - start === 2 && isGrease(u16(bytes, start))) continue;
    if (protocols.length < MAX_KEPT_PROTOCOLS && at <= keptEnd)
      protocols.push(bytes.toString("latin1", start, at));
  }
  return protocols;
}
