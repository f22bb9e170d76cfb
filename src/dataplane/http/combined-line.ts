import type { ExchangeFacts } from "./exchange-facts.ts";
import { combinedTextOf } from "./line-texts.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Returns the line of an exchange in the combined log format of Apache and nginx, with a line break:
 * `CLIENT - - [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES "REFERER" "USER-AGENT"`. The time is that of the request, in UTC. The bytes
 * are those of the body.
 */
export function combinedLineOf(clientAddress: string, facts: ExchangeFacts): string {
  const { atMs, texts, protocol, status, bodyBytesToClient } = facts;
  const { method, path, referer, userAgent } = texts;
  const request =
    method === undefined ? "-" : combinedTextOf(`${method} ${path ?? "-"} ${protocol}`);
  const sent = bodyBytesToClient === 0 ? "-" : bodyBytesToClient;
  const client = clientAddress === "" ? "-" : combinedTextOf(clientAddress);
  return `${client} - - [${timeOf(atMs)}] "${request}" ${status === 0 ? "-" : status} ${sent} "${fieldOf(referer)}" "${fieldOf(userAgent)}"\n`;
}

const fieldOf = (value = ""): string => (value === "" ? "-" : combinedTextOf(value));

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** The text of a time is the same for all requests of a second. */
let lastSecond = -1;
let lastText = "";

/** Returns a time such as `10/Oct/2000:13:55:36 +0000`. */
function timeOf(ms: number): string {
  const second = Math.floor(ms / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = textOf(new Date(ms));
  }
  return lastText;
}

function textOf(at: Date): string {
  const date = [
    twoDigits(at.getUTCDate()),
    MONTHS[at.getUTCMonth()],
    String(at.getUTCFullYear()).padStart(4, "0"),
  ].join("/");
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(twoDigits).join(":");
  return `${date}:${time} +0000`;
}
