import type { ExchangeRecord } from "#model/records/exchange-record.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Returns the line of an exchange in the combined log format of Apache and nginx, without a line break:
 * `CLIENT - - [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES "REFERER" "USER-AGENT"`. The time is that of the request, in UTC. The bytes
 * are those of the body.
 */
export function combinedLineOf(record: ExchangeRecord): string {
  const { clientAddress, atMs, method, path, protocol, status, bodyBytesToClient } = record;
  const request = method === undefined ? "-" : escaped(`${method} ${path ?? "-"} ${protocol}`);
  const sent = bodyBytesToClient === 0 ? "-" : bodyBytesToClient;
  const client = clientAddress === "" ? "-" : escaped(clientAddress);
  return `${client} - - [${timeOf(atMs)}] "${request}" ${status === 0 ? "-" : status} ${sent} "${fieldOf(record.referer)}" "${fieldOf(record.userAgent)}"`;
}

const fieldOf = (value = ""): string => (value === "" ? "-" : escaped(value));

/** What could end a quoted text, or is not printable ASCII. */
const UNSAFE = /["\\]|[^ -~]/gu;

/** Writes such characters as `\x22`, in UTF-8, as nginx does. */
const escaped = (text: string): string =>
  text.replace(UNSAFE, (character) =>
    Array.from(
      Buffer.from(character),
      (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join(""),
  );

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** Returns a time such as `10/Oct/2000:13:55:36 +0000`. */
function timeOf(ms: number): string {
  const at = new Date(ms);
  const date = [
    twoDigits(at.getUTCDate()),
    MONTHS[at.getUTCMonth()],
    String(at.getUTCFullYear()).padStart(4, "0"),
  ].join("/");
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(twoDigits).join(":");
  return `${date}:${time} +0000`;
}
