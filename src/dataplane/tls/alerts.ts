/**
 * Alerts that the director sends itself, in plaintext, before the engine takes part in the handshake (RFC 8446 section
 * 6.2).
 */
const DESCRIPTIONS = {
  unexpected_message: 10,
  record_overflow: 22,
  illegal_parameter: 47,
  decode_error: 50,
  protocol_version: 70,
  unrecognized_name: 112,
} as const;

export type SentAlert = keyof typeof DESCRIPTIONS;

const ALERT_RECORD = 21;
const FATAL = 2;

const recordOf = (alert: SentAlert): Buffer =>
  // Before a version is negotiated, clients of every version accept a record with the version of TLS 1.0 (RFC 8446
  // appendix D.1).
  Buffer.from([ALERT_RECORD, 3, 1, 0, 2, FATAL, DESCRIPTIONS[alert]]);

/** The record of each fatal alert. */
export const ALERT_RECORDS: Readonly<Record<SentAlert, Buffer>> = {
  unexpected_message: recordOf("unexpected_message"),
  record_overflow: recordOf("record_overflow"),
  illegal_parameter: recordOf("illegal_parameter"),
  decode_error: recordOf("decode_error"),
  protocol_version: recordOf("protocol_version"),
  unrecognized_name: recordOf("unrecognized_name"),
};
