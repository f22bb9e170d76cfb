import { proxyV2Header, tlvTypes, type ProxyAddresses, type Tlv } from "./proxy-header.ts";

export const textTlv = (type: number, value: string): Tlv => ({ type, value: Buffer.from(value) });

export interface SslTlvFacts {
  /** 1: TLS, 2: certificate on this connection, 4: certificate in this session. */
  readonly client: number;
  readonly verify: number;
  readonly version: string;
  readonly commonName?: string;
  readonly cipher: string;
}

/** PROXY protocol specification, section 2.2.6, with the TLVs inside in the order of the director. */
export function sslTlv({ client, verify, version, commonName, cipher }: SslTlvFacts): Tlv {
  const name = commonName === undefined ? [] : [textTlv(tlvTypes.sslCommonName, commonName)];
  const inside = [
    textTlv(tlvTypes.sslVersion, version),
    ...name,
    textTlv(tlvTypes.sslCipher, cipher),
  ];
  const values = inside.flatMap(({ type, value }) => [Buffer.from([type, 0, value.length]), value]);
  const value = Buffer.concat([Buffer.from([client, 0, 0, 0, verify]), ...values]);
  return { type: tlvTypes.ssl, value };
}

/** A v2 header that ends with its checksum, section 2.2.3. */
export function checksummedHeader(addresses: ProxyAddresses, tlvs: readonly Tlv[]): Buffer {
  const checksum = { type: tlvTypes.crc32c, value: Buffer.alloc(4) };
  const header = proxyV2Header(addresses, [...tlvs, checksum]);
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

/** RFC 3720 appendix B.4, bit by bit, unlike the director's. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
