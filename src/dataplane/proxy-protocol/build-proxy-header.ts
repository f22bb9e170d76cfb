import { addressTextOf, normaliseClientAddress, tryAddressBytes } from "#model/addresses/cidr.ts";
import { crc32c } from "./crc32c.ts";
import {
  CLIENT_CERT_CONN,
  CLIENT_CERT_SESS,
  CLIENT_SSL,
  FIXED_BYTES,
  MAX_BODY_BYTES,
  MAX_UNIQUE_ID_BYTES,
  SIGNATURE,
  TCP_OVER_IPV4,
  TCP_OVER_IPV6,
  TLV,
  TLV_HEADER_BYTES,
  UNSPECIFIED,
  VERSION_2_PROXY,
} from "./proxy-protocol-v2.ts";
import { tlvEndOf, tlvValueOf } from "./proxy-tlvs.ts";

/** The facts about a connection that a PROXY header can contain. */
export interface ProxyFacts {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The address that the client connected to. */
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly alpn: string | undefined;
  readonly serverName: string | undefined;
  /** At most 128 bytes. */
  readonly uniqueId: string;
  /** The concatenated TLVs of the header that announced the client. */
  readonly passedTlvs?: Buffer | undefined;
  readonly tls:
    | {
        /** E.g. `TLSv1.3`. */
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
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cs}]/u;
const CHECKSUM_TLV_BYTES = TLV_HEADER_BYTES + 4;
/** The maximum length of a header without the TLVs that are passed on. */
const MAX_OWN_BYTES = FIXED_BYTES + 36 + 7 * (TLV_HEADER_BYTES + MAX_TEXT_BYTES) + 64;

// Each call fills this buffer and copies it before it returns. It is large enough for the longest texts that the limits
// above allow.
const scratch = Buffer.alloc(MAX_OWN_BYTES);

/**
 * Builds a header by the PROXY protocol specification of HAProxy: section 2.1 for v1, section 2.2 with TLVs for v2. If
 * an address is unknown or the two addresses are not of one family, the header is UNKNOWN (v1) or AF_UNSPEC (v2).
 */
export function buildProxyHeader(version: "v1" | "v2", facts: ProxyFacts): Buffer {
  const addresses = addressesOf(facts);
  return version === "v1" ? buildV1(facts, addresses) : buildV2(facts, addresses);
}

interface Addresses {
  readonly client: Uint8Array;
  readonly destination: Uint8Array;
}

function addressesOf(facts: ProxyFacts): Addresses | undefined {
  if (!isPort(facts.clientPort) || !isPort(facts.destinationPort)) return undefined;
  const client = addressBytesOf(facts.clientAddress);
  const destination = addressBytesOf(facts.destinationAddress);
  if (client === undefined || destination === undefined) return undefined;
  if (client.length === destination.length) return { client, destination };
  // An IPv4-mapped address and an IPv4 address are both written as IPv4. No other pair of families has a common correct
  // form.
  const unmapped = {
    client: addressBytesOf(normaliseClientAddress(facts.clientAddress)) ?? client,
    destination: addressBytesOf(normaliseClientAddress(facts.destinationAddress)) ?? destination,
  };
  return unmapped.client.length === unmapped.destination.length ? unmapped : undefined;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

function addressBytesOf(address: string): Uint8Array | undefined {
  const zoneAt = address.indexOf("%");
  return tryAddressBytes(zoneAt === -1 ? address : address.slice(0, zoneAt));
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
  const { passedTlvs } = facts;
  // A received unique id is kept, so that the logs of all proxies can be joined by it.
  if (passedTlvs === undefined || tlvValueOf(passedTlvs, TLV.uniqueId) === undefined) {
    at = writeText(TLV.uniqueId, facts.uniqueId, at, "utf8", MAX_UNIQUE_ID_BYTES);
  }
  if (facts.tls !== undefined) at = writeSsl(facts.tls, at);
  const own = scratch.subarray(0, at);
  const addressBytes = addresses === undefined ? 0 : 2 * addresses.client.length + 4;
  return finishV2(own, passedTlvs, FIXED_BYTES + addressBytes);
}

/** Returns `own`, followed by the TLVs that are passed on and the checksum. The TLVs in `own` start at `ownTlvsAt`. */
function finishV2(own: Buffer, passedTlvs: Buffer | undefined, ownTlvsAt: number): Buffer {
  const longest = own.length + (passedTlvs?.length ?? 0) + CHECKSUM_TLV_BYTES;
  const header = Buffer.allocUnsafe(Math.min(longest, FIXED_BYTES + MAX_BODY_BYTES));
  let at = own.copy(header);
  if (passedTlvs !== undefined) {
    at = appendPassed(passedTlvs, own.subarray(ownTlvsAt), header, at);
  }
  header[at] = TLV.crc32c;
  header.writeUInt16BE(4, at + 1);
  const checksumAt = at + TLV_HEADER_BYTES;
  const length = header.writeUInt32BE(0, checksumAt);
  header.writeUInt16BE(length - FIXED_BYTES, 14);
  const whole = header.subarray(0, length);
  whole.writeUInt32BE(crc32c(whole), checksumAt);
  return whole;
}

/**
 * Appends each TLV whose type is not among the director's own TLVs, if it fits before the checksum. Returns the end of
 * the last TLV.
 */
function appendPassed(passedTlvs: Buffer, ownTlvs: Buffer, header: Buffer, from: number): number {
  const limit = FIXED_BYTES + MAX_BODY_BYTES - CHECKSUM_TLV_BYTES;
  let into = from;
  for (let at = 0, end = 0; at < passedTlvs.length; at = end) {
    end = tlvEndOf(passedTlvs, at, passedTlvs.length) ?? passedTlvs.length;
    const isOurs = tlvValueOf(ownTlvs, passedTlvs[at] ?? 0) !== undefined;
    if (!isOurs && into + end - at <= limit) into += passedTlvs.copy(header, into, at, end);
  }
  return into;
}

function writeSsl(tls: NonNullable<ProxyFacts["tls"]>, from: number): number {
  const certificate = tls.clientCertificate;
  let client = CLIENT_SSL;
  if (certificate !== undefined) {
    // In a resumed session, the certificate was presented in the original handshake.
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

/**
 * Writes a text as a TLV. A text that is too long or has control characters is left out, because a shortened or changed
 * name could be the name of another client.
 */
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
