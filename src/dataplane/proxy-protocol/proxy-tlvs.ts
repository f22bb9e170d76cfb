import { crc32c } from "./crc32c.ts";
import {
  MAX_UNIQUE_ID_BYTES,
  SSL_FIXED_BYTES,
  TLV,
  TLV_HEADER_BYTES,
} from "./proxy-protocol-v2.ts";

const CRC_PLACEHOLDER = new Uint8Array(4);
const NO_TLVS = Buffer.alloc(0);

/** The types that a connection has only one value of, with the maximum length that receivers accept. */
const MAX_NAME_BYTES: ReadonlyMap<number, number> = new Map([
  [TLV.alpn, 255],
  [TLV.authority, 255],
  [TLV.uniqueId, MAX_UNIQUE_ID_BYTES],
]);

/**
 * Returns what is wrong with the TLVs from `from` to the end of `header`, or undefined if they are valid (section 2.2).
 */
export function tlvFaultOf(header: Buffer, from: number): string | undefined {
  let hasChecksum = false;
  let at = from;
  while (at < header.length) {
    const valueAt = at + TLV_HEADER_BYTES;
    const end = tlvEndOf(header, at, header.length);
    if (end === undefined) return "v2: a TLV that is longer than the header";
    const type = header[at] ?? 0;
    if (type === TLV.crc32c) {
      if (hasChecksum || end - valueAt !== 4) return "v2: a bad CRC32C TLV";
      hasChecksum = true;
      if (checksumOf(header, valueAt) !== header.readUInt32BE(valueAt)) {
        return "v2: the CRC32C checksum does not match";
      }
    }
    if (type === TLV.ssl && !isSslValue(header, valueAt, end)) return "v2: a bad SSL TLV";
    at = end;
  }
  return undefined;
}

/**
 * Returns a copy of the TLVs that may be passed on to an endpoint. `header` must hold valid TLVs from `from` to its
 * end. These are left out: padding, the checksum, facts about TLS, because the director terminates it, and names that
 * receivers refuse. If a name occurs twice, only the first is kept, because some receivers read the first and others
 * the last.
 */
export function passedTlvsOf(header: Buffer, from: number): Buffer {
  const kept = Buffer.allocUnsafe(header.length - from);
  const names = new Set<number>();
  let keptBytes = 0;
  for (let at = from, end = from; at < header.length; at = end) {
    end = tlvEndOf(header, at, header.length) ?? header.length;
    const type = header[at] ?? 0;
    if (!isPassedOn(type, end - at - TLV_HEADER_BYTES) || names.has(type)) continue;
    if (MAX_NAME_BYTES.has(type)) names.add(type);
    keptBytes += header.copy(kept, keptBytes, at, end);
  }
  // A copy of the exact size, because it can be kept longer than the header.
  return keptBytes === 0 ? NO_TLVS : Buffer.from(kept.subarray(0, keptBytes));
}

function isPassedOn(type: number, valueBytes: number): boolean {
  if (type === TLV.crc32c || type === TLV.noop) return false;
  // Types 0x21 to 0x2f belong inside the SSL TLV. Outside of it, a lenient receiver could mistake them for the
  // director's own.
  if (type >> 4 === TLV.ssl >> 4) return false;
  const maxBytes = MAX_NAME_BYTES.get(type);
  return maxBytes === undefined || (valueBytes > 0 && valueBytes <= maxBytes);
}

/** Returns the value of the first TLV of `type`, or undefined if there is none. `tlvs` must be valid. */
export function tlvValueOf(tlvs: Buffer, type: number): Buffer | undefined {
  for (let at = 0, end = 0; at < tlvs.length; at = end) {
    end = tlvEndOf(tlvs, at, tlvs.length) ?? tlvs.length;
    if (tlvs[at] === type) return tlvs.subarray(at + TLV_HEADER_BYTES, end);
  }
  return undefined;
}

/** Returns the offset of the end of the TLV at `at`, or undefined if it is beyond `limit`. */
export function tlvEndOf(bytes: Buffer, at: number, limit: number): number | undefined {
  if (at + TLV_HEADER_BYTES > limit) return undefined;
  const end = at + TLV_HEADER_BYTES + bytes.readUInt16BE(at + 1);
  return end > limit ? undefined : end;
}

function isSslValue(header: Buffer, from: number, limit: number): boolean {
  let at: number | undefined = from + SSL_FIXED_BYTES;
  if (at > limit) return false;
  while (at !== undefined && at < limit) at = tlvEndOf(header, at, limit);
  return at !== undefined;
}

/** Returns the checksum of the whole header, with the four bytes of the checksum as zeros (section 2.2.3). */
function checksumOf(header: Buffer, checksumAt: number): number {
  const before = crc32c(header.subarray(0, checksumAt));
  return crc32c(header.subarray(checksumAt + 4), crc32c(CRC_PLACEHOLDER, before));
}
