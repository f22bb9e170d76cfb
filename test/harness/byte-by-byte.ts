/** A value for the option `cutHello` of a TLS client. Each byte leaves in a packet of its own. */
export const byteByByte = (data: Buffer): readonly Uint8Array[] =>
  Array.from(data, (byte) => Uint8Array.of(byte));
