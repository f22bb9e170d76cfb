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

/** What a header announces. IPv6 addresses are in the form of RFC 5952; an IPv4-mapped one stays IPv6. */
export interface AnnouncedClient {
  readonly address: string;
  readonly port: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** `tlvs` are those that an endpoint may be told, one after the other, in a buffer of their own; empty if there are none. */
export type ProxyHeaderResult =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly detail: string }
  | {
      readonly kind: "announced";
      readonly client: AnnouncedClient;
      readonly tlvs: Buffer;
      readonly headerBytes: number;
    }
  /** The socket's own addresses count: LOCAL, UNKNOWN, AF_UNSPEC, AF_UNIX. */
  | { readonly kind: "local"; readonly tlvs: Buffer; readonly headerBytes: number };

const V1_START = Buffer.from("PROXY ", "latin1");
const V1_MAX_BYTES = 107;
const V1_PORT = /^(0|[1-9]\d{0,4})$/;
const NO_TLVS = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;

const INCOMPLETE: ProxyHeaderResult = Object.freeze({ kind: "incomplete" });

/**
 * Reads the header that a connection must start with, from all bytes received so far, by the PROXY protocol
 * specification of HAProxy, sections 2.1 (text, at most 107 bytes) and 2.2 (binary, at most 65,551 bytes). A header that
 * is not complete costs the same at any length.
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
    // A CR may be the last byte so far; anywhere else no control character belongs into the line.
    const isLineEnding = byte === CR && at + 1 === bytes.length && at + 1 < V1_MAX_BYTES;
    if ((byte < 0x20 || byte > 0x7e) && !isLineEnding) return malformed("v1: not a line of text");
  }
  return searched === V1_MAX_BYTES ? malformed("v1: no end of line in 107 bytes") : INCOMPLETE;
}

function parseV1Line(line: string, headerBytes: number): ProxyHeaderResult {
  const words = line.split(" ");
  const [protocol, address = "", destinationAddress = "", port = "", destinationPort = ""] = words;
  // The rest of an UNKNOWN line is ignored, as the specification demands.
  if (protocol === "UNKNOWN") return { kind: "local", tlvs: NO_TLVS, headerBytes };
  const family = protocol === "TCP4" ? 4 : protocol === "TCP6" ? 6 : 0;
  if (family === 0) return malformed("v1: a protocol other than TCP4, TCP6 and UNKNOWN");
  if (words.length !== 5) return malformed("v1: not two addresses and two ports");
  if (isIpAddress(address) !== family || isIpAddress(destinationAddress) !== family) {
    return malformed(`v1: an address that is none of ${protocol}`);
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
  // The family of a LOCAL header is ignored, as the specification demands.
  if (isProxied && !isKnownFamily(family)) return malformed("v2: not a stream of a known family");
  const headerBytes = FIXED_BYTES + bytes.readUInt16BE(14);
  if (bytes.length < headerBytes) return INCOMPLETE;
  // The specification has the whole block of a LOCAL header discarded.
  if (!isProxied) return { kind: "local", tlvs: NO_TLVS, headerBytes };

  const header = bytes.subarray(0, headerBytes);
  const tlvsAt = FIXED_BYTES + addressBlockBytesOf(family);
  if (tlvsAt > headerBytes) return malformed("v2: too short for its addresses");
  const fault = tlvFaultOf(header, tlvsAt);
  if (family >> 4 === 0) {
    // Senders put TLVs where the addresses would be, but a block of another form is allowed there.
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

/** Two addresses, and for TCP two ports of two bytes. */
function addressBlockBytesOf(family: number): number {
  if (family >> 4 === 0) return 0;
  if (family === TCP_OVER_IPV4) return 12;
  return family === TCP_OVER_IPV6 ? 36 : 216;
}

/** AF_UNSPEC may come with either transport that is not DGRAM; the other families only as STREAM. */
function isKnownFamily(family: number): boolean {
  if (family === TCP_OVER_IPV4 || family === TCP_OVER_IPV6 || family === UNIX_STREAM) return true;
  return family === 0x00 || family === 0x01;
}
