import { derElements, DerError, TAG, type DerElement } from "./der-reader.ts";

export interface DistinguishedName {
  /** Two names are the same if their keys are equal: string type, case and extra spaces are ignored (RFC 5280 section 7.1). */
  readonly key: string;
  /** A readable form, e.g. `CN=Example CA, O=Example`. */
  readonly text: string;
  /** All common names, in order. */
  readonly commonNames: readonly string[];
}

const COMMON_NAME = "550403";
/** Short names of RFC 4519, by object identifier in hex. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  "550406": "C",
  "550407": "L",
  "550408": "ST",
  "55040a": "O",
  "55040b": "OU",
  "0992268993f22c640119": "DC",
};
const MAX_TEXT_LENGTH = 256;

/** Throws DerError. */
export function distinguishedNameOf(name: DerElement): DistinguishedName {
  const rdns = derElements(name.contents).map(({ contents }) =>
    derElements(contents).map((attribute) => {
      const [type, value] = derElements(attribute.contents);
      if (type === undefined || value === undefined) throw new DerError();
      return { type: type.contents.toString("hex"), value: textOf(value) };
    }),
  );
  const all = rdns.flat();
  const text = all.map(({ type, value }) => `${SHORT_NAMES[type] ?? "?"}=${value}`).join(", ");
  return {
    key: JSON.stringify(
      rdns.map((rdn) => rdn.map(({ type, value }) => `${type}=${foldedOf(value)}`).toSorted()),
    ),
    text: text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text,
    commonNames: all.filter(({ type }) => type === COMMON_NAME).map(({ value }) => value),
  };
}

const foldedOf = (value: string): string => value.toLowerCase().split(/\s+/).join(" ").trim();

function textOf({ tag, contents }: DerElement): string {
  if (tag === TAG.utf8String) return contents.toString("utf8");
  if (tag !== TAG.bmpString || contents.length % 2 !== 0) return contents.toString("latin1");
  return Buffer.from(contents).swap16().toString("utf16le");
}
