import { tryServerName } from "#model/tls/server-name.ts";
import type { SentAlert } from "./alerts.ts";

/** The content of server_name: a host name, or text that is not one and counts as no name. */
export interface SentServerName {
  /** Lower-case ASCII without a trailing dot (RFC 6066 section 3). */
  readonly name: string | undefined;
  /** What the client sent, if that is not a host name. One character per octet. */
  readonly otherName: string | undefined;
}

const HOST_NAME_TYPE = 0;
/** Both engines refuse a longer name, and a name with a zero byte, with unrecognized_name. */
const MAX_SENT_BYTES = 255;

const u16 = (bytes: Buffer, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/**
 * Parses the extension server_name between `from` and `end` (RFC 6066 section 3), or returns the alert for its fault.
 */
export function readServerName(
  bytes: Buffer,
  from: number,
  end: number,
): SentServerName | SentAlert {
  const first = from + 2;
  const start = first + 3;
  if (start >= end || first + u16(bytes, from) !== end) return "decode_error";
  const sentEnd = start + u16(bytes, first + 1);
  if (bytes[first] !== HOST_NAME_TYPE || sentEnd > end || sentEnd === start) return "decode_error";
  if (sentEnd < end) {
    // Two host names are forbidden. A name of an unknown type has no known length, so the rest cannot be parsed.
    const isSecondHostName =
      bytes[sentEnd] === HOST_NAME_TYPE && sentEnd + 3 + u16(bytes, sentEnd + 1) <= end;
    return isSecondHostName ? "illegal_parameter" : "decode_error";
  }
  if (end - start > MAX_SENT_BYTES || bytes.subarray(start, end).includes(0))
    return "unrecognized_name";
  const sent = bytes.toString("latin1", start, end);
  const name = tryServerName(sent);
  return { name, otherName: name === undefined ? sent : undefined };
}
