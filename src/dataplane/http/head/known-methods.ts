import { isText } from "./ascii.ts";

export interface KnownMethod {
  readonly text: string;
  /** Whether a request may be sent twice (RFC 9110 section 9.2.2). */
  readonly isIdempotent: boolean;
}

/** The methods of RFC 9110 section 9.3 and RFC 5789, the most frequent first. */
const KNOWN_METHODS: readonly KnownMethod[] = [
  { text: "GET", isIdempotent: true },
  { text: "POST", isIdempotent: false },
  { text: "HEAD", isIdempotent: true },
  { text: "PUT", isIdempotent: true },
  { text: "OPTIONS", isIdempotent: true },
  { text: "PATCH", isIdempotent: false },
  { text: "DELETE", isIdempotent: true },
  { text: "TRACE", isIdempotent: true },
  { text: "CONNECT", isIdempotent: false },
];

/** Returns the method that these bytes are. Others are not idempotent. Methods are case-sensitive (RFC 9110 section 9.1). */
export function methodOf(bytes: Buffer, start: number, end: number): KnownMethod {
  for (const known of KNOWN_METHODS) if (isText(bytes, start, end, known.text)) return known;
  return { text: bytes.toString("latin1", start, end), isIdempotent: false };
}
