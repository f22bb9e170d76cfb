import type { ConnectionState } from "./connection-state.ts";
import { checkLists } from "./admit-client.ts";
import { endConnection } from "./finish.ts";
import { readOpening } from "./read-opening.ts";

const MAX_HEAD_BYTES = 8 * 1024;
const FAREWELL_MS = 1_000;

/** RFC 9110 section 7.2: what a Host header may hold, as far as it may go into a Location. */
const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:\d{1,5})?$/i;
const REQUEST_LINE = /^[A-Z]{1,20} (\S{1,6000}) HTTP\/1\.[01]$/;
/** RFC 9112 section 5: no folded line, no space before the colon, nothing that others may take for an end of line. */
const HEADER = /^[!#$%&'*+.^_`|~0-9a-z-]+:[\t\x20-\x7e\x80-\xff]*$/i;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The answer to a request head, or undefined where it is no request that can be sent on. RFC 9112 sections 2, 3. */
export function redirectOf(head: string, httpsPort: number): string | undefined {
  const [requestLine = "", ...headers] = head.split("\r\n");
  if (!headers.every((line) => HEADER.test(line))) return undefined;
  const target = REQUEST_LINE.exec(requestLine)?.[1];
  const hosts = headers.filter((line) => /^host:/i.test(line));
  const host =
    hosts.length === 1 ? HOST.exec(hosts[0]?.slice("host:".length).trim() ?? "")?.[1] : undefined;
  if (target === undefined || host === undefined || !VISIBLE_ASCII.test(target)) return undefined;
  const path = target.startsWith("/")
    ? target
    : (/^https?:\/\/[^/]+(\/.*)?$/i.exec(target)?.[1] ?? "/");
  const authority = httpsPort === 443 ? host.toLowerCase() : `${host.toLowerCase()}:${httpsPort}`;
  return `https://${authority}${path}`;
}

const answerOf = (location: string | undefined): Buffer =>
  Buffer.from(
    location === undefined
      ? "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      : `HTTP/1.1 308 Permanent Redirect\r\nLocation: ${location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );

/** A whole head, or whatever is too long to become one. */
function tryHead(bytes: Buffer): string | undefined {
  const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf("\r\n\r\n");
  if (end >= 0) return bytes.toString("latin1", 0, end);
  return bytes.length >= MAX_HEAD_BYTES ? "" : undefined;
}

/** Answers one plain HTTP request with 308 to https, RFC 9110 section 15.4.9. */
export async function redirectToHttps(
  connection: ConnectionState,
  firstBytes: Buffer,
): Promise<void> {
  const opening = await readOpening(connection, firstBytes, tryHead);
  if (opening === undefined || !checkLists(connection)) return;
  connection.isOpen = true;
  const { client, rules } = connection;
  const location = redirectOf(opening.found, rules.spec.redirectPort ?? 443);
  const answer = answerOf(location);
  connection.bytesFromClient = opening.bytes.length;
  connection.bytesToClient = answer.length;
  const end = (): void =>
    endConnection(connection, location === undefined ? "bad-request" : "redirected");
  connection.setDeadline(FAREWELL_MS, { deadlinePassed: end });
  client.handler = { onOpen() {}, onData() {}, onDrain() {}, onEnd: end, onClose: end };
  client.write(answer);
  client.end();
  client.resume();
}
