/** What the director reads from the extensions of a ClientHello (RFC 8446 section 4.2); GREASE values (RFC 8701) are left out. */
export interface HelloExtensions {
  readonly serverName: string | undefined;
  readonly alpn: readonly string[];
  /** Undefined without supported_versions. */
  readonly versions: readonly number[] | undefined;
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  readonly hasSessionTicket: boolean;
}

const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;
const SUPPORTED_VERSIONS = 43;

const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;
// Clients name a handful; 8,000 names of one letter would cost a record of the hello 200 KB.
const MAX_PROTOCOLS = 64;
const NONE: readonly never[] = Object.freeze([]);

export const NO_EXTENSIONS: HelloExtensions = Object.freeze({
  serverName: undefined,
  alpn: NONE,
  versions: undefined,
  groups: NONE,
  signatureSchemes: NONE,
  hasSessionTicket: false,
});

export function u16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Reads the extension block between `from` and `end`; undefined if any length in it is wrong or a name is not one. */
export function tryHelloExtensions(
  bytes: Buffer,
  from: number,
  end: number,
): HelloExtensions | undefined {
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined;
  let versions: readonly number[] | undefined;
  let groups: readonly number[] | undefined;
  let signatureSchemes: readonly number[] | undefined;
  let hasSessionTicket = false;

  let at = from;
  while (at < end) {
    const start = at + 4;
    if (start > end) return undefined;
    const type = u16(bytes, at);
    at = start + u16(bytes, at + 2);
    if (at > end) return undefined;
    // A second extension of a type is refused (RFC 8446 section 4.2), lest the engine reads another one than we do.
    switch (type) {
      case SERVER_NAME:
        if (serverName !== undefined) return undefined;
        serverName = tryServerName(bytes, start, at);
        if (serverName === undefined) return undefined;
        break;
      case ALPN:
        if (alpn !== undefined) return undefined;
        alpn = tryProtocols(bytes, start, at);
        if (alpn === undefined) return undefined;
        break;
      case SUPPORTED_VERSIONS:
        if (versions !== undefined || start + (bytes[start] ?? 0) + 1 !== at) return undefined;
        versions = tryCodes(bytes, start + 1, at);
        if (versions === undefined) return undefined;
        break;
      case SUPPORTED_GROUPS:
        if (groups !== undefined || start + u16(bytes, start) + 2 !== at) return undefined;
        groups = tryCodes(bytes, start + 2, at);
        if (groups === undefined) return undefined;
        break;
      case SIGNATURE_ALGORITHMS:
        if (signatureSchemes !== undefined || start + u16(bytes, start) + 2 !== at)
          return undefined;
        signatureSchemes = tryCodes(bytes, start + 2, at);
        if (signatureSchemes === undefined) return undefined;
        break;
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
    alpn: alpn ?? NONE,
    versions,
    groups: groups ?? NONE,
    signatureSchemes: signatureSchemes ?? NONE,
    hasSessionTicket,
  };
}

/** A vector of 16-bit codes without its length, at least one; undefined if the bytes are no such vector. */
export function tryCodes(bytes: Buffer, from: number, end: number): readonly number[] | undefined {
  if (from >= end || (end - from) % 2 !== 0) return undefined;
  const codes: number[] = [];
  for (let at = from; at < end; at += 2) {
    const code = u16(bytes, at);
    if (!isGrease(code)) codes.push(code);
  }
  return codes;
}

/** RFC 8701: 0x0a0a, 0x1a1a, to 0xfafa. */
function isGrease(code: number): boolean {
  return (code & 0x0f0f) === 0x0a0a && code >> 8 === (code & 0xff);
}

/** RFC 7301 section 3.1, at most 64; names are octets, one character each, so that NONE is lost or merged with another. */
function tryProtocols(bytes: Buffer, from: number, end: number): readonly string[] | undefined {
  if (from + 2 >= end || from + 2 + u16(bytes, from) !== end) return undefined;
  const protocols: string[] = [];
  let at = from + 2;
  while (at < end) {
    const start = at + 1;
    at = start + (bytes[at] ?? 0);
    if (at === start || at > end || protocols.length === MAX_PROTOCOLS) return undefined;
    if (at - start === 2 && isGrease(u16(bytes, start))) continue;
    protocols.push(bytes.toString("latin1", start, at));
  }
  return protocols;
}

/** RFC 6066 section 3: a list of exactly one host_name, the only type there is. */
function tryServerName(bytes: Buffer, from: number, end: number): string | undefined {
  const start = from + 5;
  if (start >= end || from + 2 + u16(bytes, from) !== end) return undefined;
  if (bytes[from + 2] !== 0 || start + u16(bytes, from + 3) !== end) return undefined;
  const nameEnd = bytes[end - 1] === 0x2e ? end - 1 : end;
  if (nameEnd - start > MAX_NAME_LENGTH) return undefined;
  let labelStart = start;
  for (let at = start; at <= nameEnd; at += 1) {
    const byte = at < nameEnd ? (bytes[at] ?? 0) : 0x2e;
    if (byte === 0x2e) {
      if (at === labelStart || at - labelStart > MAX_LABEL_LENGTH) return undefined;
      labelStart = at + 1;
    } else if (!isNameByte(byte)) {
      return undefined;
    }
  }
  return bytes.toString("latin1", start, nameEnd).toLowerCase();
}

function isNameByte(byte: number): boolean {
  const lower = byte | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}
