import { announcedClient, proxyV2Header, tlvTypes } from "./proxy-header.ts";

const tlvs = [{ type: tlvTypes.authority, value: Buffer.from("announced.example") }];
const good = proxyV2Header(announcedClient(), tlvs);
const changed = (at: number, byte: number): Buffer => {
  const bytes = Buffer.from(good);
  bytes[at] = byte;
  return bytes;
};
/** What a peer that must send a PROXY header may send instead, each for another reason. */
export const badProxyHeaders: Readonly<Record<string, string | Uint8Array>> = {
  "a ClientHello at once": Buffer.from("16030100c8010000c40303", "hex"),
  "plain HTTP": "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n",
  "v1 with an address that is none": "PROXY TCP4 203.0.113.300 198.51.100.1 1 443\r\n",
  "v1 with an address of the other family": "PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n",
  "v1 with a port that is none": "PROXY TCP4 203.0.113.1 198.51.100.1 65536 443\r\n",
  "v1 in lower case": "proxy TCP4 203.0.113.1 198.51.100.1 1 443\r\n",
  "v1 with a bare line feed": "PROXY TCP4 203.0.113.1 198.51.100.1 1 443\n",
  "v1 that does not end": `PROXY TCP4 ${"1".repeat(101)}`,
  "v2 of another version": changed(12, 0x31),
  "v2 of datagrams": changed(13, 0x12),
  "v2 too short for its addresses": Buffer.concat([
    good.subarray(0, 14),
    Buffer.from([0, 4, 1, 2, 3, 4]),
  ]),
  "v2 with a TLV beyond its end": changed(29, 0xff),
  "v2 with a checksum that does not match": proxyV2Header(announcedClient(), [
    { type: tlvTypes.crc32c, value: Buffer.from([1, 2, 3, 4]) },
  ]),
  "v2 with an SSL TLV that is cut": proxyV2Header(announcedClient(), [
    { type: tlvTypes.ssl, value: Buffer.from([1, 0, 0, 0, 0, tlvTypes.sslVersion, 0]) },
  ]),
};
