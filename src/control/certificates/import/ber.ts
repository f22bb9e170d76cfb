import forge from "node-forge";
import { DerError } from "../der-reader.ts";

/** An element of BER. PKCS #12 files of Windows and of Java have lengths and strings that DER does not allow. */
export type BerElement = forge.asn1.Asn1;

const { asn1 } = forge;

/** Throws DerError if `bytes` are not exactly one element, or one that is nested too deeply. */
export function berElement(bytes: Buffer): BerElement {
  try {
    return asn1.fromDer(bytes.toString("latin1"), true);
  } catch (cause) {
    throw new DerError("The bytes are not BER.", { cause });
  }
}

/** Returns the elements in a SEQUENCE, in a SET or in an explicit tag. Throws DerError. */
export function partsOf(element: BerElement | undefined): readonly BerElement[] {
  if (typeof element?.value !== "object") throw new DerError();
  return element.value;
}

/** Returns the bytes of a string, which may have been written in pieces. Throws DerError. */
export function octetsOf(element: BerElement | undefined): Buffer {
  if (element === undefined) throw new DerError();
  const { value } = element;
  if (typeof value === "string") return Buffer.from(value, "latin1");
  return Buffer.concat(value.map(octetsOf));
}

/** Returns the contents of an object identifier in hex. Throws DerError. */
export const idOf = (element: BerElement | undefined): string => octetsOf(element).toString("hex");

/** Returns the element in DER. */
export const derOf = (element: BerElement): Buffer =>
  Buffer.from(asn1.toDer(element).getBytes(), "latin1");
