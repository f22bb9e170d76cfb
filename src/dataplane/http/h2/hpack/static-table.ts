/** The static table (RFC 7541 appendix A). The first entry has the index 1. */
const ENTRIES: readonly string[] = [
  ":authority: ",
  ":method: GET",
  ":method: POST",
  ":path: /",
  ":path: /index.html",
  ":scheme: http",
  ":scheme: https",
  ":status: 200",
  ":status: 204",
  ":status: 206",
  ":status: 304",
  ":status: 400",
  ":status: 404",
  ":status: 500",
  "accept-charset: ",
  "accept-encoding: gzip, deflate",
  "accept-language: ",
  "accept-ranges: ",
  "accept: ",
  "access-control-allow-origin: ",
  "age: ",
  "allow: ",
  "authorization: ",
  "cache-control: ",
  "content-disposition: ",
  "content-encoding: ",
  "content-language: ",
  "content-length: ",
  "content-location: ",
  "content-range: ",
  "content-type: ",
  "cookie: ",
  "date: ",
  "etag: ",
  "expect: ",
  "expires: ",
  "from: ",
  "host: ",
  "if-match: ",
  "if-modified-since: ",
  "if-none-match: ",
  "if-range: ",
  "if-unmodified-since: ",
  "last-modified: ",
  "link: ",
  "location: ",
  "max-forwards: ",
  "proxy-authenticate: ",
  "proxy-authorization: ",
  "range: ",
  "referer: ",
  "refresh: ",
  "retry-after: ",
  "server: ",
  "set-cookie: ",
  "strict-transport-security: ",
  "transfer-encoding: ",
  "user-agent: ",
  "vary: ",
  "via: ",
  "www-authenticate: ",
];

export const STATIC_ENTRIES = ENTRIES.length;

/** All entries as finished field lines: `name: value` and CRLF. */
export const STATIC_LINES = Buffer.from(ENTRIES.map((entry) => `${entry}\r\n`).join(""), "latin1");

/** The offset of each line by its index. The line ends where the one of the next index starts. */
export const STATIC_LINE_START = new Uint16Array(STATIC_ENTRIES + 2);
export const STATIC_NAME_LENGTH = new Uint8Array(STATIC_ENTRIES + 1);

/** The first index of each name. */
export const STATIC_INDEX_OF_NAME = new Map<string, number>();

for (const [offset, entry] of ENTRIES.entries()) {
  const index = offset + 1;
  const name = entry.slice(0, entry.indexOf(": "));
  STATIC_NAME_LENGTH[index] = name.length;
  STATIC_LINE_START[index + 1] = (STATIC_LINE_START[index] ?? 0) + entry.length + 2;
  if (!STATIC_INDEX_OF_NAME.has(name)) STATIC_INDEX_OF_NAME.set(name, index);
}
