import { createHash } from "node:crypto";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { ResponseParser } from "../head/response-parser.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in base64 (RFC 6455 section 4.1). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Returns the key of a request for a WebSocket, or undefined if it is not a valid one of version 13 (RFC 6455 section 4.2.1). */
export function tryWebSocketKey(fields: HeadFields): string | undefined {
  const key = tryOnly(fields, FIELD.secWebsocketKey);
  return key !== undefined && isVersion13(fields) && KEY.test(key) ? key : undefined;
}

/** Whether a request is for a WebSocket of version 13 (RFC 6455 section 4.1). There is no other version. */
export const isVersion13 = (fields: HeadFields): boolean =>
  tryOnly(fields, FIELD.secWebsocketVersion) === "13";

/** Whether an answer with status 101 accepts the request for a WebSocket with this key (RFC 6455 section 4.1). */
export function acceptsWebSocket({ fields }: ResponseParser, key: string): boolean {
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  return (
    tryOnly(fields, FIELD.secWebsocketAccept) === accept &&
    tryOnly(fields, FIELD.upgrade)?.toLowerCase() === "websocket" &&
    hasConnectionUpgrade(fields)
  );
}

/** Returns the value of a field that is there once. */
function tryOnly(fields: HeadFields, kind: number): string | undefined {
  const index = fields.find(kind);
  if (index < 0 || fields.find(kind, index + 1) >= 0) return undefined;
  return fields.value(index);
}

function hasConnectionUpgrade(fields: HeadFields): boolean {
  for (let index = fields.find(FIELD.connection); index >= 0;) {
    const options = fields.value(index).toLowerCase().split(",");
    if (options.some((option) => option.trim() === "upgrade")) return true;
    index = fields.find(FIELD.connection, index + 1);
  }
  return false;
}
