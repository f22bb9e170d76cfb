import type { SnapshotRedirectListener } from "#model/records/modes/redirect.ts";
import type { ListenerRules } from "../listener-rules.ts";
import type { ConnectionState } from "./connection-state.ts";
import { checkLists } from "./admit-client.ts";
import { endConnection } from "./finish.ts";
import { readOpening } from "./read-opening.ts";
import { redirectOf, tryRequestHead, type Answer } from "./redirect-target.ts";

/** Reason phrases of RFC 9110 section 15. */
const REASONS = {
  308: "Permanent Redirect",
  400: "Bad Request",
  405: "Method Not Allowed",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  505: "HTTP Version Not Supported",
} as const satisfies Readonly<Record<Answer["status"], string>>;

const bytesOf = ({ status, headers }: Answer): Buffer =>
  Buffer.from(
    [
      `HTTP/1.1 ${status} ${REASONS[status]}`,
      ...headers,
      "Content-Length: 0",
      "Connection: close",
      "\r\n",
    ].join("\r\n"),
  );

/** Answers one plain HTTP request with status 308 and the https URL (RFC 9110 section 15.4.9). */
export async function redirectToHttps(
  connection: ConnectionState<ListenerRules<SnapshotRedirectListener>>,
  firstBytes: Buffer,
): Promise<void> {
  const opening = await readOpening(connection, firstBytes, tryRequestHead);
  if (opening === undefined || !checkLists(connection)) return;
  connection.isOpen = true;
  const answer = redirectOf(opening.found, connection.rules.spec.httpsPort);
  const bytes = bytesOf(answer);
  connection.bytesFromClient = opening.bytes.length;
  connection.bytesToClient = bytes.length;
  endConnection(connection, answer.status === 308 ? "redirected" : "bad-request", bytes);
}
