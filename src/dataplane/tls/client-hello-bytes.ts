/** Builds ClientHellos for tests (RFC 8446 section 4.1.2). It shares no code with the parser. */

export const u8 = (...values: number[]): Buffer => Buffer.from(values);
export const u16 = (...values: number[]): Buffer =>
  Buffer.concat(values.map((value) => u8(value >> 8, value & 0xff)));
export const short = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);
export const long = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
export const extension = (type: number, value: Buffer): Buffer =>
  Buffer.concat([u16(type), long(value)]);

export const nameEntry = (name: string, type = 0): Buffer =>
  Buffer.concat([u8(type), long(Buffer.from(name, "latin1"))]);
export const serverName = (name: string): Buffer => extension(0, long(nameEntry(name)));
export const alpn = (...names: string[]): Buffer =>
  extension(16, long(Buffer.concat(names.map((name) => short(Buffer.from(name, "latin1"))))));
export const versions = (...codes: number[]): Buffer => extension(43, short(u16(...codes)));
export const groups = (...codes: number[]): Buffer => extension(10, long(u16(...codes)));
export const signatures = (...codes: number[]): Buffer => extension(13, long(u16(...codes)));

interface Parts {
  readonly legacyVersion?: number;
  readonly sessionId?: Buffer;
  readonly suites?: Buffer;
  readonly compression?: Buffer;
  /** Undefined for a message without an extension block. */
  readonly block?: Buffer | undefined;
}

export function messageOf(parts: Parts, extensions: readonly Buffer[] = []): Buffer {
  const block = "block" in parts ? parts.block : long(Buffer.concat(extensions));
  const body = Buffer.concat([
    u16(parts.legacyVersion ?? 0x0303),
    Buffer.alloc(32, 7),
    short(parts.sessionId ?? Buffer.alloc(32)),
    long(parts.suites ?? u16(0x1301)),
    short(parts.compression ?? u8(0)),
    block ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([u8(1, body.length >> 16), u16(body.length & 0xffff), body]);
}

/** Splits the message into records of at most `recordBytes`. */
export function recordsOf(message: Buffer, recordBytes = 16_384): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(u8(22, 3, 1), long(message.subarray(at, at + recordBytes)));
  }
  return Buffer.concat(records);
}

export const helloOf = (...extensions: Buffer[]): Buffer => recordsOf(messageOf({}, extensions));

/** A hello such as a browser sends, with GREASE (RFC 8701), an X25519MLKEM768 key share, ECH and padding. */
export const BROWSER_MESSAGE = messageOf({ suites: u16(0xaaaa, 0x1301, 0x1302, 0xc02b) }, [
  extension(0x3a3a, Buffer.alloc(0)),
  serverName("www.Shop.Example"),
  extension(23, Buffer.alloc(0)),
  groups(0xdada, 0x11ec, 0x001d, 0x0017),
  alpn("\x0a\x0a", "h2", "http/1.1"),
  extension(35, Buffer.alloc(0)),
  signatures(0x0403, 0x0804),
  versions(0xfafa, 0x0304, 0x0303),
  extension(51, long(Buffer.alloc(1_220 + 36))),
  extension(0xfe0d, Buffer.alloc(250)),
  extension(0x1a1a, u8(0)),
  extension(21, Buffer.alloc(40)),
]);

const MAX_EXTENSION_BYTES = 65_000;

/**
 * Builds a TLS 1.2 hello of exactly this length that an engine can answer with a P-256 key. Above 65,000 bytes, it is
 * filled with cipher suites.
 */
export function messageOfLength(bytes: number): Buffer {
  const partsWith = (suites: number, padding: number): Buffer =>
    messageOf({ suites: u16(0xc02b, 0xc02f, ...Array.from({ length: suites }, () => 0x5555)) }, [
      groups(0x0017, 0x001d),
      signatures(0x0403, 0x0804),
      extension(11, short(u8(0))),
      extension(21, Buffer.alloc(padding)),
    ]);
  const lacking = bytes - partsWith(0, 0).length;
  const suites = Math.ceil(Math.max(0, lacking - MAX_EXTENSION_BYTES) / 2);
  return partsWith(suites, lacking - 2 * suites);
}
