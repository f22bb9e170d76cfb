/** A small writer of DER (X.690), for certificates that no library would issue. */

const byteOf = (value: number): Buffer => Buffer.of(value);

function lengthOf(length: number): Buffer {
  if (length < 0x80) return byteOf(length);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([byteOf(0x80 | bytes.length), bytes]);
}

/** One element: tag, length and the parts as its contents. */
export function der(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const contents = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([byteOf(tag), lengthOf(contents.length), contents]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].map((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift(0x80 | (left & 0x7f));
    return Buffer.from(groups);
  });
  return der(0x06, ...arcs);
}

/** String types of X.509 names. */
export const stringTags = { utf8: 0x0c, printable: 0x13, teletex: 0x14, ia5: 0x16, bmp: 0x1e };

const attributeIds = { CN: "2.5.4.3", O: "2.5.4.10", OU: "2.5.4.11" };

export interface NameAttribute {
  readonly type: keyof typeof attributeIds;
  readonly value: string | Uint8Array;
  readonly tag?: number;
}

/** A distinguished name: each entry is one RDN, of one attribute or of several. */
export function distinguishedName(
  ...names: readonly (NameAttribute | readonly NameAttribute[])[]
): Buffer {
  return sequence(
    ...names.map((entry) =>
      der(
        0x31,
        ...[entry]
          .flat()
          .map(({ type, value, tag }) =>
            sequence(oid(attributeIds[type]), der(tag ?? stringTags.utf8, value)),
          ),
      ),
    ),
  );
}

export function extension(id: string, isCritical: boolean, value: Uint8Array): Buffer {
  const critical = isCritical ? [der(0x01, byteOf(0xff))] : [];
  return sequence(oid(id), ...critical, der(0x04, value));
}

/** GeneralName of RFC 5280 section 4.2.1.6. */
export const generalNames = {
  dns: (name: string | Uint8Array) => der(0x82, name),
  email: (name: string) => der(0x81, name),
  uri: (name: string) => der(0x86, name),
  ip: (...bytes: readonly number[]) => der(0x87, Buffer.from(bytes)),
  registeredId: (id: string) => der(0x88, oid(id).subarray(2)),
  other: (id: string, text: string) => der(0xa0, oid(id), der(0xa0, der(stringTags.utf8, text))),
};

export const alternativeNames = (...names: readonly Uint8Array[]): Buffer =>
  extension("2.5.29.17", false, sequence(...names));

export function pemOf(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
