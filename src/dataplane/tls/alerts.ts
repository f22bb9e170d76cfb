/** Alerts that the director itself sends, in plaintext, before the engine has a part in the handshake. RFC 8446 section 6.2. */
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
  // Clients of every version read a record of TLS 1.0 before a version is agreed (RFC 8446 appendix D.1).
  Buffer.from([ALERT_RECORD, 3, 1, 0, 2, FATAL, DESCRIPTIONS[alert]]);

/** The record of each fatal alert, made once. */
export const ALERT_RECORDS: Readonly<Record<SentAlert, Buffer>> = {
  unexpected_message: recordOf("unexpected_message"),
  record_overflow: recordOf("record_overflow"),
  illegal_parameter: recordOf("illegal_parameter"),
  decode_error: recordOf("decode_error"),
  protocol_version: recordOf("protocol_version"),
  unrecognized_name: recordOf("unrecognized_name"),
};
