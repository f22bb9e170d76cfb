/**
 * A network of RFC 4632 (IPv4) or RFC 4291 section 2.3 (IPv6). `network` has 4 or 16 bytes, of which the first
 * `prefixBits` bits count.
 */
export interface Cidr {
  readonly network: readonly number[];
  readonly prefixBits: number;
}

const DOT = 0x2e;
const COLON = 0x3a;
const MAX_ADDRESS_LENGTH = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".length;

// Addresses are parsed into one shared buffer, because limits and CIDRs need an address for each accepted connection.
// No function relies on what an earlier call left in it.
const scratch = new Uint8Array(16);

/**
 * Returns the family of an address in a text form of RFC 4291 section 2.2, without a zone and without leading zeros in
 * IPv4. Returns 0 for any other text.
 */
export function isIpAddress(text: string): 0 | 4 | 6 {
  return readAddress(text);
}

/** Returns the 4 or 16 bytes of an address in network order, or undefined if `isIpAddress` returns 0. */
export function tryAddressBytes(text: string): Uint8Array | undefined {
  const family = readAddress(text);
  return family === 0 ? undefined : scratch.slice(0, family === 4 ? 4 : 16);
}

/**
 * Returns the text of an address of 4 or 16 bytes. IPv6 is in the canonical form of RFC 5952, and an IPv4-mapped
 * address is written as `::ffff:192.0.2.1`.
 */
export function addressTextOf(bytes: Uint8Array): string {
  return bytes.length === 4 ? ipv4TextOf(bytes, 0) : ipv6TextOf(bytes);
}

/**
 * Parses `192.0.2.0/24`, `2001:db8::/32`, or a single address. An IPv4-mapped network becomes the IPv4 network, as in
 * `cidrsContain`. Throws a TypeError with a sentence for the operator.
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf("/");
  const family = readAddress(slash === -1 ? text : text.slice(0, slash));
  if (family === 0) {
    throw new TypeError(
      `${JSON.stringify(text)} is not an IP address or a CIDR such as 192.0.2.0/24 or 2001:db8::/32.`,
    );
  }
  const addressBits = family === 4 ? 32 : 128;
  const suffix = slash === -1 ? String(addressBits) : text.slice(slash + 1);
  const prefixBits = /^(0|[1-9]\d{0,2})$/.test(suffix) ? Number(suffix) : Number.NaN;
  if (!(prefixBits <= addressBits)) {
    throw new TypeError(
      `${JSON.stringify(text)} needs a prefix length of 0 to ${addressBits} after the slash.`,
    );
  }
  const given = scratch.slice(0, addressBits / 8);
  const network = given.map((byte, index) => byte & prefixMask(prefixBits - 8 * index));
  if (network.some((byte, index) => byte !== given[index])) {
    const meant = `${addressTextOf(network)}/${prefixBits}`;
    throw new TypeError(
      `${JSON.stringify(text)} has address bits set beyond its prefix; write ${meant} for the network.`,
    );
  }
  return family === 6 && prefixBits >= 96 && isMapped(network)
    ? { network: [...network.subarray(12)], prefixBits: prefixBits - 96 }
    : { network: [...network], prefixBits };
}

/**
 * Whether one of the networks contains the address. An IPv4-mapped address is treated as its IPv4 address, and a zone
 * is ignored. Returns false if the text is not an address.
 */
export function cidrsContain(cidrs: readonly Cidr[], address: string): boolean {
  if (cidrs.length === 0) return false;
  const family = readAddress(withoutZone(address));
  if (family === 0) return false;
  const start = family === 6 && isMapped(scratch) ? 12 : 0;
  const length = family === 4 ? 4 : 16 - start;
  return cidrs.some(({ network, prefixBits }) => {
    if (network.length !== length) return false;
    for (let index = 0; 8 * index < prefixBits; index += 1) {
      const mask = prefixMask(prefixBits - 8 * index);
      if (((scratch[start + index] ?? 0) & mask) !== network[index]) return false;
    }
    return true;
  });
}

/**
 * Returns the only text that is used for a client address: IPv4 instead of the IPv4-mapped form, otherwise the form of
 * RFC 5952 without a zone. Text that is not an address is converted to lower case.
 */
export function normaliseClientAddress(address: string): string {
  if (!address.includes(":")) return address;
  const bare = withoutZone(address);
  if (readAddress(bare) !== 6) return bare.toLowerCase();
  return isMapped(scratch) ? ipv4TextOf(scratch, 12) : ipv6TextOf(scratch);
}

/**
 * Returns the key of limits per client address: the IPv4 address, or the /64 of an IPv6 address, because one subscriber
 * has at least a /64 (RFC 6177).
 */
export function limitKeyOf(address: string): string {
  if (!address.includes(":")) return address;
  const bare = withoutZone(address);
  if (readAddress(bare) !== 6) return bare.toLowerCase();
  if (isMapped(scratch)) return ipv4TextOf(scratch, 12);
  return `${hexGroupOf(scratch, 0)}:${hexGroupOf(scratch, 1)}:${hexGroupOf(scratch, 2)}:${hexGroupOf(scratch, 3)}::/64`;
}

function withoutZone(address: string): string {
  const percent = address.indexOf("%");
  return percent === -1 ? address : address.slice(0, percent);
}

function prefixMask(bitsLeft: number): number {
  if (bitsLeft >= 8) return 0xff;
  return bitsLeft <= 0 ? 0 : (0xff00 >> bitsLeft) & 0xff;
}

/** Whether the address is in ::ffff:0:0/96 (RFC 4291 section 2.5.5.2). */
function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index += 1) {
    if (bytes[index] !== 0) return false;
  }
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function readAddress(text: string): 0 | 4 | 6 {
  if (text.length > MAX_ADDRESS_LENGTH) return 0;
  if (text.includes(":")) return readIpv6(text) ? 6 : 0;
  return readIpv4(text, 0, 0) ? 4 : 0;
}

/** Leading zeros are refused, because some parsers read such numbers as octal. */
function readIpv4(text: string, from: number, into: number): boolean {
  let octets = 0;
  let digits = 0;
  let value = 0;
  for (let at = from; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : DOT;
    if (code === DOT) {
      if (digits === 0 || octets === 4) return false;
      scratch[into + octets] = value;
      octets += 1;
      digits = 0;
      value = 0;
      continue;
    }
    if (code < 0x30 || code > 0x39 || (digits > 0 && value === 0)) return false;
    digits += 1;
    value = 10 * value + code - 0x30;
    if (value > 255) return false;
  }
  return octets === 4;
}

function readIpv6(text: string): boolean {
  let filled = 0;
  let gapAt = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gapAt = 0;
    at = 2;
  }
  while (at < text.length) {
    const groupStart = at;
    let value = 0;
    let digit = hexDigitOf(text.charCodeAt(at));
    while (digit !== -1) {
      if (at - groupStart === 4) return false;
      value = 16 * value + digit;
      at += 1;
      digit = at < text.length ? hexDigitOf(text.charCodeAt(at)) : -1;
    }
    if (at === groupStart || filled === 16) return false;
    if (text.charCodeAt(at) === DOT) {
      if (filled > 12 || !readIpv4(text, groupStart, filled)) return false;
      filled += 4;
      break;
    }
    scratch[filled] = value >> 8;
    scratch[filled + 1] = value & 0xff;
    filled += 2;
    if (at === text.length) break;
    if (text.charCodeAt(at) !== COLON) return false;
    at += 1;
    if (at === text.length) return false;
    if (text.charCodeAt(at) === COLON) {
      if (gapAt !== -1) return false;
      gapAt = filled;
      at += 1;
    }
  }
  if (gapAt === -1) return filled === 16;
  if (filled === 16) return false;
  scratch.copyWithin(16 - (filled - gapAt), gapAt, filled);
  scratch.fill(0, gapAt, 16 - (filled - gapAt));
  return true;
}

function hexDigitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function ipv4TextOf(bytes: Uint8Array, from: number): string {
  return `${bytes[from]}.${bytes[from + 1]}.${bytes[from + 2]}.${bytes[from + 3]}`;
}

function groupOf(bytes: Uint8Array, index: number): number {
  return ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0);
}

function hexGroupOf(bytes: Uint8Array, index: number): string {
  return groupOf(bytes, index).toString(16);
}

function ipv6TextOf(bytes: Uint8Array): string {
  if (isMapped(bytes)) return `::ffff:${ipv4TextOf(bytes, 12)}`;
  // `::` replaces the longest run of two or more zero groups, and the first of several equally long runs (RFC 5952
  // section 4.2).
  let gapAt = -1;
  let gapLength = 1;
  let zeros = 0;
  for (let index = 0; index < 8; index += 1) {
    zeros = groupOf(bytes, index) === 0 ? zeros + 1 : 0;
    if (zeros > gapLength) {
      gapLength = zeros;
      gapAt = index + 1 - zeros;
    }
  }
  let text = "";
  for (let index = 0; index < 8; index += 1) {
    if (index === gapAt) {
      text += "::";
      index += gapLength - 1;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += hexGroupOf(bytes, index);
  }
  return text;
}
