import { DASH, LOWER, UNDERSCORE } from "./ascii.ts";

/**
 * The names that are recognised. The key is the name in camel case: `contentLength` stands for `content-length`. The
 * prefixes stand for all names that start so and have no entry of their own.
 */
export const FIELD = {
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  trailer: 8,
  upgrade: 9,
  http2Settings: 10,
  proxyAuthenticate: 11,
  proxyAuthorization: 12,
  proxyAuthenticationInfo: 13,
  expect: 14,
  date: 15,
  authorization: 16,
  wwwAuthenticate: 17,
  cookie: 18,
  setCookie: 19,
  accept: 20,
  referer: 21,
  userAgent: 22,
  server: 23,
  via: 24,
  location: 25,
  strictTransportSecurity: 26,
  traceparent: 27,
  tracestate: 28,
  secWebsocketKey: 29,
  secWebsocketAccept: 30,
  secWebsocketVersion: 31,
  secWebsocketProtocol: 32,
  secWebsocketExtensions: 33,
  contentType: 34,
  contentEncoding: 35,
  contentRange: 36,
  range: 37,
  ifMatch: 38,
  ifNoneMatch: 39,
  ifModifiedSince: 40,
  ifUnmodifiedSince: 41,
  ifRange: 42,
  cacheControl: 43,
  pragma: 44,
  maxForwards: 45,
  age: 46,
  expires: 47,
  retryAfter: 48,
  vary: 49,
  warning: 50,
  forwarded: 51,
  xForwardedFor: 52,
  xForwardedProto: 53,
  xForwardedHost: 54,
  xForwardedPort: 55,
  xRealIp: 56,
  xRequestId: 57,
  clientCert: 58,
  clientCertChain: 59,
  /** Any other name that starts with `x-forwarded`. */
  forwardedPrefix: 60,
  /** Any other name that starts with `client-cert`. */
  clientCertPrefix: 61,
  /** Any name that starts with `x-tls-`. */
  tlsPrefix: 62,
  /** Any name that starts with `x-ja4`. */
  ja4Prefix: 63,
  /** `content_length` or `transfer_encoding`, which gateways such as CGI take for the framing field. */
  framingAlias: 64,
} as const;

const KINDS = 65;
/** Kinds from here on are not the kinds of one name. */
const FIRST_PREFIX = FIELD.forwardedPrefix;

/** Returns a table that has 1 at these kinds. */
export const kindTableOf = (kinds: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: KINDS }, (_, kind) => (kinds.includes(kind) ? 1 : 0));

const HOP_KINDS: readonly number[] = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.http2Settings,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.proxyAuthenticationInfo,
  FIELD.framingAlias,
];

/** What endpoints believe about the client. In these names, `_` and `-` are the same. */
const FORGEABLE_KINDS: readonly number[] = [
  FIELD.forwarded,
  FIELD.xForwardedFor,
  FIELD.xForwardedProto,
  FIELD.xForwardedHost,
  FIELD.xForwardedPort,
  FIELD.xRealIp,
  FIELD.xRequestId,
  FIELD.clientCert,
  FIELD.clientCertChain,
  FIELD.forwardedPrefix,
  FIELD.clientCertPrefix,
  FIELD.tlsPrefix,
  FIELD.ja4Prefix,
];

/**
 * The fields that apply to one connection only (RFC 9110 section 7.6.1), and those for the next proxy (sections 11.7.1 to
 * 11.7.3). Trailer is not one of them.
 */
export const IS_HOP_BY_HOP = kindTableOf(HOP_KINDS);

/**
 * The fields that must not be in trailers (RFC 9110 section 6.5.1): framing, routing, request modifiers, authentication,
 * response control data, and the description of the content.
 */
export const IS_FORBIDDEN_IN_TRAILERS = kindTableOf([
  ...HOP_KINDS,
  ...FORGEABLE_KINDS,
  FIELD.host,
  FIELD.contentLength,
  FIELD.trailer,
  FIELD.expect,
  FIELD.date,
  FIELD.authorization,
  FIELD.wwwAuthenticate,
  FIELD.cookie,
  FIELD.setCookie,
  FIELD.location,
  FIELD.contentType,
  FIELD.contentEncoding,
  FIELD.contentRange,
  FIELD.range,
  FIELD.ifMatch,
  FIELD.ifNoneMatch,
  FIELD.ifModifiedSince,
  FIELD.ifUnmodifiedSince,
  FIELD.ifRange,
  FIELD.cacheControl,
  FIELD.pragma,
  FIELD.maxForwards,
  FIELD.age,
  FIELD.expires,
  FIELD.retryAfter,
  FIELD.vary,
  FIELD.warning,
]);

const IS_FORGEABLE = kindTableOf(FORGEABLE_KINDS);

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const nameOf = (key: string): string =>
  key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The bytes of each name, by kind. */
const NAMES: Uint8Array[] = Array.from({ length: FIRST_PREFIX }, () => new Uint8Array());
const FORWARDED_PREFIX = bytesOf("x-forwarded");
const TLS_PREFIX = bytesOf("x-tls-");
const JA4_PREFIX = bytesOf("x-ja4");
const CLIENT_CERT_PREFIX = bytesOf("client-cert");

/** The first kind of each hash, and for each kind the next one of the same hash. 0 ends the chain. */
const FIRST_OF_HASH = new Uint8Array(256);
const NEXT_OF_KIND = new Uint8Array(FIRST_PREFIX);

/** `first` and `last` are bytes of a letter or digit in every known name. Bit 5 makes letters lower case. */
const hashOf = (length: number, first: number, last: number): number =>
  (length * 7 + (first | 0x20) * 3 + (last | 0x20) * 29) & 0xff;

for (const [key, kind] of Object.entries(FIELD)) {
  if (kind >= FIRST_PREFIX) continue;
  const name = bytesOf(nameOf(key));
  NAMES[kind] = name;
  const hash = hashOf(name.length, name[0] ?? 0, name.at(-1) ?? 0);
  NEXT_OF_KIND[kind] = FIRST_OF_HASH[hash] ?? 0;
  FIRST_OF_HASH[hash] = kind;
}

const DIFFERENT = 0;
const SAME = 1;
/** The same but for a `_` in the place of a `-`. */
const ALIAS = 2;

/** Compares the start of a name, which is long enough, with `known`. */
function likenessOf(bytes: Buffer, start: number, known: Uint8Array): number {
  let likeness = SAME;
  for (let at = 0; at < known.length; at += 1) {
    const byte = LOWER[bytes[start + at] ?? 0] ?? 0;
    if (byte === known[at]) continue;
    if (byte !== UNDERSCORE || known[at] !== DASH) return DIFFERENT;
    likeness = ALIAS;
  }
  return likeness;
}

/** Returns the `FIELD` of a name that is not empty, or 0. The case of letters is ignored. */
export function fieldOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const first = bytes[start] ?? 0;
  let kind = FIRST_OF_HASH[hashOf(length, first, bytes[end - 1] ?? 0)] ?? 0;
  while (kind !== 0) {
    const known = NAMES[kind];
    if (known !== undefined && known.length === length) {
      const likeness = likenessOf(bytes, start, known);
      if (likeness === SAME) return kind;
      if (likeness === ALIAS) return aliasOf(kind);
    }
    kind = NEXT_OF_KIND[kind] ?? 0;
  }
  const initial = first | 0x20;
  if (initial === 0x78) return prefixOfX(bytes, start, length);
  if (initial === 0x63 && startsLike(bytes, start, length, CLIENT_CERT_PREFIX)) {
    return FIELD.clientCertPrefix;
  }
  return 0;
}

function aliasOf(kind: number): number {
  if (IS_FORGEABLE[kind] === 1) return kind;
  return kind === FIELD.contentLength || kind === FIELD.transferEncoding ? FIELD.framingAlias : 0;
}

function startsLike(bytes: Buffer, start: number, length: number, prefix: Uint8Array): boolean {
  return length >= prefix.length && likenessOf(bytes, start, prefix) !== DIFFERENT;
}

function prefixOfX(bytes: Buffer, start: number, length: number): number {
  if (startsLike(bytes, start, length, FORWARDED_PREFIX)) return FIELD.forwardedPrefix;
  if (startsLike(bytes, start, length, TLS_PREFIX)) return FIELD.tlsPrefix;
  return startsLike(bytes, start, length, JA4_PREFIX) ? FIELD.ja4Prefix : 0;
}
