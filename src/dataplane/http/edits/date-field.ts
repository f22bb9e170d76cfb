let second = -1;
let field = Buffer.alloc(0);

/** Returns the field line `date` of this moment (RFC 9110 section 5.6.7). It is built once a second. */
export function dateField(): Buffer {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== second) {
    second = now;
    field = Buffer.from(`date: ${new Date(now * 1_000).toUTCString()}\r\n`, "latin1");
  }
  return field;
}
