/** Constants of the binary header (PROXY protocol specification, section 2.2). */
export const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
export const FIXED_BYTES = 16;

/** Values of the 13th byte: version and command. */
export const VERSION_2_LOCAL = 0x20;
export const VERSION_2_PROXY = 0x21;

/** Values of the 14th byte: address family and transport protocol. */
export const UNSPECIFIED = 0x00;
export const TCP_OVER_IPV4 = 0x11;
export const TCP_OVER_IPV6 = 0x21;
export const UNIX_STREAM = 0x31;

/** The maximum value of the length field: the bytes of addresses and TLVs after the fixed part. */
export const MAX_BODY_BYTES = 0xffff;

export const TLV_HEADER_BYTES = 3;
export const TLV = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
} as const;

/** The maximum length of a unique id (section 2.2.5). */
export const MAX_UNIQUE_ID_BYTES = 128;

/** The bytes of the client bit field and the verify result, which precede the sub-TLVs of TLV.ssl (section 2.2.6). */
export const SSL_FIXED_BYTES = 5;
export const CLIENT_SSL = 0x01;
export const CLIENT_CERT_CONN = 0x02;
export const CLIENT_CERT_SESS = 0x04;
