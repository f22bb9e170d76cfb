import { createHash } from "node:crypto";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import { isVersion13 } from "../head/web-socket-version.ts";
import type { ResponseParser } from "../head/response-parser.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in base64 (RFC 6455 section 4.1). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Returns the key of a request for a WebSocket, or undefined if it is not a valid one of version 13 (RFC 6455 section 4.2.1). */
export function tryWebSocketKey(fields: HeadFields): string | undefined {
  const key = fields.only(FIELD.secWebsocketKey);
  return key !== undefined && isVersion13(fields) && KEY.test(key) ? key : undefined;
}

/** Whether an answer with status 101 accepts the request for a WebSocket with this key (RFC 6455 section 4.1). */
export function acceptsWebSocket({ fields }: ResponseParser, key: string): boolean {
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  return (
    fields.only(FIELD.secWebsocketAccept) === accept &&
    fields.only(FIELD.upgrade)?.toLowerCase() === "websocket" &&
    hasConnectionUpgrade(fields)
  );
}

function hasConnectionUpgrade(fields: HeadFields): boolean {
  for (let index = fields.find(FIELD.connection); index >= 0;) {
    const options = fields.value(index).toLowerCase().split(",");
    if (options.some((option) => option.trim() === "upgrade")) return true;
    index = fields.find(FIELD.connection, index + 1);
  }
  return false;
}
