import type { HeadFields } from "./head/head-fields.ts";

/** The head of a request, whatever the version of HTTP. All offsets refer to the bytes of the fields. */
export interface RequestHead {
  readonly fields: HeadFields;
  readonly method: string;
  /** Whether the method is one that RFC 9110 section 9.2.2 defines as idempotent. */
  readonly isIdempotent: boolean;
  /** In the absolute form, the authority stands for Host, and an empty path for that of the whole server. */
  readonly form: "origin" | "absolute" | "asterisk";
  /** Where the request line starts. Only a head that is not in the absolute form needs one. */
  readonly lineStart: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly pathStart: number;
  readonly pathEnd: number;
  /** "" if the request has none. */
  readonly authority: string;
  readonly isHttp10: boolean;
  /** The number of bytes of the body, 0 if there is none, or `CHUNKED`. */
  readonly bodyLength: number;
  /** Whether an endpoint is told the length of the body, if it is known. */
  readonly hasFraming: boolean;
  readonly upgrade: "none" | "websocket" | "other";
  readonly expectsContinue: boolean;
  /** Whether the request authenticates its connection (NTLM, Negotiate). */
  readonly isBoundToConnection: boolean;
}
