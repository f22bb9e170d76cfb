import { addressTextOf, normaliseClientAddress, tryAddressBytes } from "#model/cidr.ts";
import { crc32c } from "./crc32c.ts";
import {
  CLIENT_CERT_CONN,
  CLIENT_CERT_SESS,
  CLIENT_SSL,
  FIXED_BYTES,
  SIGNATURE,
  TCP_OVER_IPV4,
  TCP_OVER_IPV6,
  TLV,
  TLV_HEADER_BYTES,
  UNSPECIFIED,
  VERSION_2_PROXY,
} from "./proxy-protocol-v2.ts";

/** What an endpoint is told of a connection. */
export interface ProxyFacts {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The virtual IP. */
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly alpn: string | undefined;
  readonly serverName: string | undefined;
  /** At most 128 bytes. */
  readonly uniqueId: string;
  readonly tls:
    | {
        /** `TLSv1.3` */
        readonly version: string;
        readonly cipherSuite: string;
        readonly clientCertificate:
          | { readonly commonName: string | undefined; readonly verified: boolean }
          | undefined;
        readonly resumed: boolean;
      }
    | undefined;
}

const MAX_TEXT_BYTES = 255;
const MAX_UNIQUE_ID_BYTES = 128;
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cs}]/u;
const MAX_HEADER_BYTES = FIXED_BYTES + 36 + 7 * (TLV_HEADER_BYTES + MAX_TEXT_BYTES) + 64;

// Filled and copied within one call; sized for the longest header that the bounds above allow.
const scratch = Buffer.alloc(MAX_HEADER_BYTES);

/**
 * The header of the PROXY protocol specification of HAProxy: section 2.1 for v1, 2.2 with TLVs for v2. Of an IPv4 and
 * an IPv6 address, the IPv4 one is sent IPv4-mapped. An address that is none makes the connection UNKNOWN or AF_UNSPEC.
 */
export function buildProxyHeader(version: "v1" | "v2", facts: ProxyFacts): Buffer {
  const client = tryAddressBytes(normaliseClientAddress(facts.clientAddress));
  const destination = tryAddressBytes(normaliseClientAddress(facts.destinationAddress));
  const isMixed = client?.length !== destination?.length;
  const isKnown =
    client && destination && isPort(facts.clientPort) && isPort(facts.destinationPort);
  const addresses = isKnown
    ? {
        client: isMixed ? mappedOf(client) : client,
        destination: isMixed ? mappedOf(destination) : destination,
      }
    : undefined;
  return version === "v1" ? buildV1(facts, addresses) : buildV2(facts, addresses);
}

interface Addresses {
  readonly client: Uint8Array;
  readonly destination: Uint8Array;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

/** RFC 4291 section 2.5.5.2. */
function mappedOf(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16
    ? bytes
    : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes);
}

function buildV1(facts: ProxyFacts, addresses: Addresses | undefined): Buffer {
  if (addresses === undefined) return Buffer.from("PROXY UNKNOWN\r\n", "latin1");
  const protocol = addresses.client.length === 4 ? "TCP4" : "TCP6";
  const pair = `${addressTextOf(addresses.client)} ${addressTextOf(addresses.destination)}`;
  const line = `PROXY ${protocol} ${pair} ${facts.clientPort} ${facts.destinationPort}\r\n`;
  return Buffer.from(line, "latin1");
}

function buildV2(facts: ProxyFacts, addresses: Addresses | undefined): Buffer {
  scratch.set(SIGNATURE, 0);
  scratch[12] = VERSION_2_PROXY;
  scratch[13] = UNSPECIFIED;
  let at = FIXED_BYTES;
  if (addresses !== undefined) {
    scratch[13] = addresses.client.length === 4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
    scratch.set(addresses.client, at);
    scratch.set(addresses.destination, at + addresses.client.length);
    at += 2 * addresses.client.length;
    at = scratch.writeUInt16BE(facts.clientPort, at);
    at = scratch.writeUInt16BE(facts.destinationPort, at);
  }
  at = writeText(TLV.alpn, facts.alpn, at, "latin1");
  at = writeText(TLV.authority, facts.serverName, at);
  at = writeText(TLV.uniqueId, facts.uniqueId, at, "utf8", MAX_UNIQUE_ID_BYTES);
  if (facts.tls !== undefined) at = writeSsl(facts.tls, at);

  const checksumAt = at + TLV_HEADER_BYTES;
  at = writeTlvHeader(TLV.crc32c, 4, at);
  at = scratch.writeUInt32BE(0, at);
  scratch.writeUInt16BE(at - FIXED_BYTES, 14);
  scratch.writeUInt32BE(crc32c(scratch.subarray(0, at)), checksumAt);
  return Buffer.from(scratch.subarray(0, at));
}

function writeSsl(tls: NonNullable<ProxyFacts["tls"]>, from: number): number {
  const certificate = tls.clientCertificate;
  let client = CLIENT_SSL;
  if (certificate !== undefined) {
    // A resumed session carries the certificate of the handshake that began it.
    client |= tls.resumed ? CLIENT_CERT_SESS : CLIENT_CERT_SESS | CLIENT_CERT_CONN;
  }
  let at = from + TLV_HEADER_BYTES;
  scratch[at] = client;
  at = scratch.writeUInt32BE(certificate?.verified === true ? 0 : 1, at + 1);
  at = writeText(TLV.sslVersion, tls.version, at);
  at = writeText(TLV.sslCommonName, certificate?.commonName, at);
  at = writeText(TLV.sslCipher, tls.cipherSuite, at);
  writeTlvHeader(TLV.ssl, at - from - TLV_HEADER_BYTES, from);
  return at;
}

/** A text that is too long or has control characters is left out: a shortened or cleaned name could be someone else's. */
function writeText(
  type: number,
  text: string | undefined,
  at: number,
  encoding: "utf8" | "latin1" = "utf8",
  maxBytes = MAX_TEXT_BYTES,
): number {
  if (text === undefined || text === "" || CONTROL_CHARACTERS.test(text)) return at;
  const length = Buffer.byteLength(text, encoding);
  if (length > maxBytes) return at;
  const valueAt = writeTlvHeader(type, length, at);
  return valueAt + scratch.write(text, valueAt, encoding);
}

function writeTlvHeader(type: number, length: number, at: number): number {
  scratch[at] = type;
  return scratch.writeUInt16BE(length, at + 1);
}
