/**
 * How many characters of a text from a client or an endpoint the record of an exchange holds. The worker cuts longer texts off,
 * because the control process drops a record that exceeds them.
 */
export const RECORDED_LENGTHS = {
  requestId: 128,
  method: 128,
  /** A host name of 255 characters, a colon and a port. */
  host: 261,
  path: 2_048,
  referer: 1_024,
  userAgent: 1_024,
  /** The name of a field. */
  field: 128,
} as const;
