import { addressTextOf, isIpAddress, tryAddressBytes } from "#model/addresses/cidr.ts";
import {
  FIXED_BYTES,
  SIGNATURE,
  TCP_OVER_IPV4,
  TCP_OVER_IPV6,
  UNIX_STREAM,
  VERSION_2_LOCAL,
  VERSION_2_PROXY,
} from "./proxy-protocol-v2.ts";
import { passedTlvsOf, tlvFaultOf } from "./proxy-tlvs.ts";

/** The addresses in a header. IPv6 addresses are in the form of RFC 5952. An IPv4-mapped address stays IPv6. */
export interface AnnouncedClient {
  readonly address: string;
  readonly port: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/**
 * `tlvs` has the concatenated TLVs that may be passed on to an endpoint, in a buffer of its own. It is empty if there
 * are none.
 */
export type ProxyHeaderResult =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly detail: string }
  | {
      readonly kind: "announced";
      readonly client: AnnouncedClient;
      readonly tlvs: Buffer;
      readonly headerBytes: number;
    }
  /** The addresses of the socket apply: LOCAL, UNKNOWN, AF_UNSPEC, AF_UNIX. */
  | { readonly kind: "local"; readonly tlvs: Buffer; readonly headerBytes: number };

const V1_START = Buffer.from("PROXY ", "latin1");
const V1_MAX_BYTES = 107;
const V1_PORT = /^(0|[1-9]\d{0,4})$/;
const NO_TLVS = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;

const INCOMPLETE: ProxyHeaderResult = Object.freeze({ kind: "incomplete" });

/**
 * Parses the header at the start of a connection, from all bytes received so far, by the PROXY protocol specification
 * of HAProxy: section 2.1 (text, at most 107 bytes) and 2.2 (binary, at most 65,551 bytes). The cost for an incomplete
 * header does not depend on its length.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (bytes.length === 0) return INCOMPLETE;
  return bytes[0] === V1_START[0] ? parseV1(bytes) : parseV2(bytes);
}

function malformed(detail: string): ProxyHeaderResult {
  return { kind: "malformed", detail };
}

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const compared = Math.min(bytes.length, start.length);
  for (let at = 0; at < compared; at += 1) {
    if (bytes[at] !== start[at]) return false;
  }
  return true;
}

function parseV1(bytes: Buffer): ProxyHeaderResult {
  if (!startsLike(bytes, V1_START)) return malformed("no PROXY protocol header");
  const searched = Math.min(bytes.length, V1_MAX_BYTES);
  for (let at = V1_START.length; at < searched; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === CR && at + 1 < searched && bytes[at + 1] === LF) {
      return parseV1Line(bytes.toString("latin1", V1_START.length, at), at + 2);
    }
    // A CR may be the last byte received so far. In any other place, a control character is an error.
    const isLineEnding = byte === CR && at + 1 === bytes.length && at + 1 < V1_MAX_BYTES;
    if ((byte < 0x20 || byte > 0x7e) && !isLineEnding) return malformed("v1: not a line of text");
  }
  return searched === V1_MAX_BYTES ? malformed("v1: no end of line in 107 bytes") : INCOMPLETE;
}

function parseV1Line(line: string, headerBytes: number): ProxyHeaderResult {
  const words = line.split(" ");
  const [protocol, address = "", destinationAddress = "", port = "", destinationPort = ""] = words;
  // The specification requires that the rest of an UNKNOWN line is ignored.
  if (protocol === "UNKNOWN") return { kind: "local", tlvs: NO_TLVS, headerBytes };
  const family = protocol === "TCP4" ? 4 : protocol === "TCP6" ? 6 : 0;
  if (family === 0) return malformed("v1: a protocol other than TCP4, TCP6 or UNKNOWN");
  if (words.length !== 5) return malformed("v1: not two addresses and two ports");
  if (isIpAddress(address) !== family || isIpAddress(destinationAddress) !== family) {
    return malformed(`v1: an address that is not of family ${protocol}`);
  }
  if (!isPort(port) || !isPort(destinationPort)) return malformed("v1: a bad port");
  return {
    kind: "announced",
    client: {
      address: canonicalOf(address),
      port: Number(port),
      destinationAddress: canonicalOf(destinationAddress),
      destinationPort: Number(destinationPort),
    },
    tlvs: NO_TLVS,
    headerBytes,
  };
}

function isPort(text: string): boolean {
  return V1_PORT.test(text) && Number(text) <= 65_535;
}

function canonicalOf(address: string): string {
  const bytes = tryAddressBytes(address);
  return bytes === undefined ? address : addressTextOf(bytes);
}

function parseV2(bytes: Buffer): ProxyHeaderResult {
  if (!startsLike(bytes, SIGNATURE)) return malformed("no PROXY protocol header");
  const command = bytes[12] ?? VERSION_2_PROXY;
  if (command !== VERSION_2_LOCAL && command !== VERSION_2_PROXY) {
    return malformed("v2: an unknown version or command");
  }
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const family = bytes[13] ?? 0;
  const isProxied = command === VERSION_2_PROXY;
  // The specification requires that the family of a LOCAL header is ignored.
  if (isProxied && !isKnownFamily(family)) return malformed("v2: not a stream of a known family");
  const headerBytes = FIXED_BYTES + bytes.readUInt16BE(14);
  if (bytes.length < headerBytes) return INCOMPLETE;
  // The specification requires that everything after the fixed part of a LOCAL header is discarded.
  if (!isProxied) return { kind: "local", tlvs: NO_TLVS, headerBytes };

  const header = bytes.subarray(0, headerBytes);
  const tlvsAt = FIXED_BYTES + addressBlockBytesOf(family);
  if (tlvsAt > headerBytes) return malformed("v2: too short for its addresses");
  const fault = tlvFaultOf(header, tlvsAt);
  if (family >> 4 === 0) {
    // Common senders write TLVs directly after the fixed part, but the specification also allows data of another form
    // there.
    const tlvs = fault === undefined ? passedTlvsOf(header, tlvsAt) : NO_TLVS;
    return { kind: "local", tlvs, headerBytes };
  }
  if (fault !== undefined) return malformed(fault);
  const tlvs = passedTlvsOf(header, tlvsAt);
  if (family === UNIX_STREAM) return { kind: "local", tlvs, headerBytes };
  const portsAt = tlvsAt - 4;
  const destinationAt = (FIXED_BYTES + portsAt) / 2;
  return {
    kind: "announced",
    client: {
      address: addressTextOf(header.subarray(FIXED_BYTES, destinationAt)),
      port: header.readUInt16BE(portsAt),
      destinationAddress: addressTextOf(header.subarray(destinationAt, portsAt)),
      destinationPort: header.readUInt16BE(portsAt + 2),
    },
    tlvs,
    headerBytes,
  };
}

/** Returns the length of two addresses, and for TCP of two ports of two bytes each. */
function addressBlockBytesOf(family: number): number {
  if (family >> 4 === 0) return 0;
  if (family === TCP_OVER_IPV4) return 12;
  return family === TCP_OVER_IPV6 ? 36 : 216;
}

/**
 * Whether the family is supported. AF_UNSPEC is accepted with every transport except DGRAM, other families only with
 * STREAM.
 */
function isKnownFamily(family: number): boolean {
  if (family === TCP_OVER_IPV4 || family === TCP_OVER_IPV6 || family === UNIX_STREAM) return true;
  return family === 0x00 || family === 0x01;
}
