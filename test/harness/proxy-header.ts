import { isIPv6, SocketAddress } from "node:net";

/** https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2.2. */
export const tlvTypes = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
  sslSignature: 0x24,
  sslKey: 0x25,
  netns: 0x30,
} as const;

export interface ProxyAddresses {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly virtualIp: string;
  readonly virtualPort: number;
}

export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

export interface SslTlv {
  /** 1: TLS, 2: certificate on this connection, 4: certificate in this session. */
  readonly client: number;
  /** 0 when the client certificate was verified. */
  readonly verify: number;
  readonly subTlvs: readonly Tlv[];
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  readonly command: "PROXY" | "LOCAL";
  /** The addresses are undefined in a LOCAL or UNKNOWN header. */
  readonly addresses: ProxyAddresses | undefined;
  readonly tlvs: readonly Tlv[];
  readonly ssl: SslTlv | undefined;
  /** The header as it came. */
  readonly bytes: Buffer;
}

const v2Signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

export function proxyV1Header(addresses: ProxyAddresses): Buffer {
  const { clientAddress, clientPort, virtualIp, virtualPort } = addresses;
  const family = isIPv6(clientAddress) ? "TCP6" : "TCP4";
  const fields = ["PROXY", family, clientAddress, virtualIp, clientPort, virtualPort];
  return Buffer.from(`${fields.join(" ")}\r\n`, "latin1");
}

let announced = 0;

/**
 * A client for a header to announce, of RFC 5737 or RFC 3849: no two of a test process have the same port, nor, up to
 * 254 of them, the same address; in IPv6 they differ in their /64.
 */
export function announcedClient(family: 4 | 6 = 4): ProxyAddresses {
  announced += 1;
  const ports = { clientPort: 20_000 + announced, virtualPort: 443 };
  return family === 4
    ? { clientAddress: `203.0.113.${announced % 255}`, virtualIp: "198.51.100.1", ...ports }
    : { clientAddress: `2001:db8:${announced}::1`, virtualIp: "2001:db8:f::1", ...ports };
}

/** Without addresses, this builds a LOCAL header, as a health check sends it. */
export function proxyV2Header(addresses?: ProxyAddresses, tlvs: readonly Tlv[] = []): Buffer {
  const isV6 = addresses !== undefined && isIPv6(addresses.clientAddress);
  const payload = Buffer.concat([
    addresses ? addressBytes(addresses) : Buffer.alloc(0),
    ...tlvs.map(tlvBytes),
  ]);
  const transport = isV6 ? 0x21 : 0x11;
  const head = Buffer.from(addresses ? [0x21, transport, 0, 0] : [0x20, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([v2Signature, head, payload]);
}

/** The header at the start of `data`, undefined when more bytes are needed. Throws when there is none. */
export function parseProxyHeader(data: Buffer): ProxyHeader | undefined {
  const isV2 = data.subarray(0, v2Signature.length).equals(v2Signature.subarray(0, data.length));
  return isV2 ? parseV2(data) : parseV1(data);
}

function parseV1(data: Buffer): ProxyHeader | undefined {
  const end = data.indexOf("\r\n");
  if (end < 0 && data.length < 107) return undefined;
  const line = data.toString("latin1", 0, end);
  const [keyword, family, clientAddress = "", virtualIp = "", clientPort, virtualPort] =
    line.split(" ");
  if (end < 0 || keyword !== "PROXY") {
    throw new Error(`no PROXY header: ${JSON.stringify(data.toString("latin1", 0, 32))}`);
  }
  const addresses = {
    clientAddress,
    clientPort: Number(clientPort),
    virtualIp,
    virtualPort: Number(virtualPort),
  };
  return {
    version: 1,
    command: "PROXY",
    addresses: family === "UNKNOWN" ? undefined : addresses,
    tlvs: [],
    ssl: undefined,
    bytes: data.subarray(0, end + 2),
  };
}

function parseV2(data: Buffer): ProxyHeader | undefined {
  if (data.length < 16) return undefined;
  const end = 16 + data.readUInt16BE(14);
  if (data.length < end) return undefined;
  const addressLengths: Readonly<Record<number, number>> = { 0x11: 12, 0x21: 36 };
  const transport = data.readUInt8(13);
  const addressLength = addressLengths[transport] ?? 0;
  const tlvs = parseTlvs(data.subarray(16 + addressLength, end));
  const ssl = tlvs.find((tlv) => tlv.type === tlvTypes.ssl)?.value;
  return {
    version: 2,
    command: data.readUInt8(12) === 0x21 ? "PROXY" : "LOCAL",
    addresses:
      addressLength === 0 ? undefined : parseAddresses(data.subarray(16), addressLength === 36),
    tlvs,
    ssl: ssl && {
      client: ssl.readUInt8(0),
      verify: ssl.readUInt32BE(1),
      subTlvs: parseTlvs(ssl.subarray(5)),
    },
    bytes: data.subarray(0, end),
  };
}

export function tlvText(tlvs: readonly Tlv[], type: number): string | undefined {
  return tlvs.find((tlv) => tlv.type === type)?.value.toString("utf8");
}

function parseTlvs(data: Buffer): readonly Tlv[] {
  const tlvs: Tlv[] = [];
  for (let at = 0; at < data.length;) {
    const end = at + 3 + data.readUInt16BE(at + 1);
    if (end > data.length) throw new Error("a TLV is longer than the header");
    tlvs.push({ type: data.readUInt8(at), value: data.subarray(at + 3, end) });
    at = end;
  }
  return tlvs;
}

function tlvBytes(tlv: Tlv): Buffer {
  const head = Buffer.from([tlv.type, 0, 0]);
  head.writeUInt16BE(tlv.value.length, 1);
  return Buffer.concat([head, tlv.value]);
}

function parseAddresses(data: Buffer, isV6: boolean): ProxyAddresses {
  const size = isV6 ? 16 : 4;
  const textOf = (bytes: Buffer): string => {
    if (!isV6) return bytes.join(".");
    const groups = Array.from({ length: 8 }, (_, index) =>
      bytes.readUInt16BE(index * 2).toString(16),
    );
    return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
  };
  return {
    clientAddress: textOf(data.subarray(0, size)),
    virtualIp: textOf(data.subarray(size, 2 * size)),
    clientPort: data.readUInt16BE(2 * size),
    virtualPort: data.readUInt16BE(2 * size + 2),
  };
}

function addressBytes(addresses: ProxyAddresses): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(addresses.clientPort, 0);
  ports.writeUInt16BE(addresses.virtualPort, 2);
  return Buffer.concat([ipBytes(addresses.clientAddress), ipBytes(addresses.virtualIp), ports]);
}

function ipBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  const bytes = Buffer.alloc(16);
  [...left, ...zeros, ...right].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}
