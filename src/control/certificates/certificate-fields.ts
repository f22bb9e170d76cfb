/** Reads from the DER of a certificate the fields that `X509Certificate` lacks or returns only as formatted text. */
import type { X509Certificate } from "node:crypto";
import { derElements, DerError, firstElement, TAG, type DerElement } from "./der-reader.ts";
import { tryTimeMs } from "./der-time.ts";
import { distinguishedNameOf, type DistinguishedName } from "./distinguished-name.ts";

export interface CertificateFields {
  /** 1, 2 or 3 (RFC 5280 section 4.1.2.1). */
  readonly version: number;
  /** Milliseconds since the epoch, or undefined if the date does not exist. */
  readonly notBeforeMs: number | undefined;
  readonly notAfterMs: number | undefined;
  /** The DER of the issuer's name. */
  readonly issuerName: Buffer;
  /** The common names of the subject. The most specific one is last. */
  readonly commonNames: readonly string[];
  /** The dNSNames of the subjectAltName, unchanged. Each byte is one character. */
  readonly dnsNames: readonly string[];
  /** The DER of the subjectPublicKeyInfo. */
  readonly publicKeyInfo: Buffer;
  /** Object identifier of the subjectPublicKeyInfo, in hex. */
  readonly keyAlgorithm: string;
  /** Whether an EC key names its curve (RFC 5480 section 2.1.1) instead of containing the parameters of the curve. */
  readonly hasNamedCurve: boolean;
  /** Undefined if the certificate allows every usage. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  /** Whether the extendedKeyUsage is absent or allows TLS servers (RFC 5280 section 4.2.1.12). */
  readonly isForServers: boolean;
  /** Whether it says that a public CA issued it: by a policy of the CA/Browser Forum, or by embedded SCTs (RFC 6962). */
  readonly claimsPublicCa: boolean;
  /** Whether it says where the certificate of its issuer can be downloaded (caIssuers, RFC 5280 section 4.2.2.1). */
  readonly hasIssuerAddress: boolean;
  /** A violation of RFC 5280 for which some TLS libraries refuse the certificate, or undefined if there is none. */
  readonly flaw: string | undefined;
}

/** Bits of the keyUsage (RFC 5280 section 4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0 } as const;

const OID = {
  keyUsage: "551d0f",
  alternativeName: "551d11",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
  anyExtendedKeyUsage: "551d2500",
  policies: "551d20",
  signedTimestamps: "2b06010401d679020402",
  informationAccess: "2b06010505070101",
  caIssuers: "2b06010505073002",
};
/** Version 3 of X.509. */
const MAX_VERSION = 3;
/** 2.23.140.1: the policies by which a CA states that it follows the Baseline Requirements. */
const BASELINE_POLICIES = "67810c01";
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const DNS_NAME_TAG = 0x82;

interface Extension {
  readonly id: string;
  readonly value: Buffer;
}

const known = new WeakMap<X509Certificate, CertificateFields>();

/** Returns the fields of a certificate, which are parsed once, because many rules read them. Throws DerError. */
export function certificateFieldsOf(certificate: X509Certificate): CertificateFields {
  const before = known.get(certificate);
  if (before !== undefined) return before;
  const fields = parseFields(certificate.raw);
  known.set(certificate, fields);
  return fields;
}

function parseFields(der: Buffer): CertificateFields {
  const { version, fields } = toSignOf(der);
  const [, , issuer, validity, subject, key, ...others] = fields;
  const [notBefore, notAfter] = derElements(contentsOf(validity));
  const extensions = extensionsOf(others.find(({ tag }) => tag === EXTENSIONS_TAG));
  const [algorithm] = derElements(contentsOf(key));
  const [keyAlgorithm, parameters] = derElements(contentsOf(algorithm));
  const valueOf = (id: string): Buffer | undefined =>
    extensions.find((extension) => extension.id === id)?.value;
  const { dnsNames, isDamaged } = alternativeNamesOf(valueOf(OID.alternativeName));
  return {
    version,
    notBeforeMs: notBefore === undefined ? undefined : tryTimeMs(notBefore),
    notAfterMs: notAfter === undefined ? undefined : tryTimeMs(notAfter),
    issuerName: bytesOf(issuer),
    commonNames: nameOf(subject).commonNames,
    dnsNames,
    publicKeyInfo: bytesOf(key),
    keyAlgorithm: contentsOf(keyAlgorithm).toString("hex"),
    hasNamedCurve: parameters?.tag === TAG.objectId,
    keyUsage: keyUsageOf(valueOf(OID.keyUsage)),
    isForServers: allowsServers(valueOf(OID.extendedKeyUsage)),
    claimsPublicCa:
      valueOf(OID.signedTimestamps) !== undefined ||
      listedIdsOf(valueOf(OID.policies)).some((id) => id.startsWith(BASELINE_POLICIES)),
    hasIssuerAddress: listedIdsOf(valueOf(OID.informationAccess)).includes(OID.caIssuers),
    flaw: flawOf(version, extensions, isDamaged),
  };
}

/** Returns the subject of a certificate in a form that can be compared with the issuer of another. Throws DerError. */
export const subjectOf = (der: Buffer): DistinguishedName => nameOf(toSignOf(der).fields[4]);

/** Returns the fields of the TBSCertificate that follow the version. */
function toSignOf(der: Buffer): {
  readonly version: number;
  readonly fields: readonly DerElement[];
} {
  const [toSign] = derElements(firstElement(der).contents);
  const fields = derElements(contentsOf(toSign));
  const [first] = fields;
  return first?.tag === VERSION_TAG
    ? { version: versionOf(first), fields: fields.slice(1) }
    : { version: 1, fields };
}

function nameOf(name: DerElement | undefined): DistinguishedName {
  if (name === undefined) throw new DerError();
  return distinguishedNameOf(name);
}

function contentsOf(element: DerElement | undefined): Buffer {
  if (element === undefined) throw new DerError();
  return element.contents;
}

function bytesOf(element: DerElement | undefined): Buffer {
  if (element === undefined) throw new DerError();
  return element.bytes;
}

const versionOf = ({ contents }: DerElement): number =>
  (firstElement(contents).contents.at(-1) ?? 0) + 1;

function extensionsOf(element: DerElement | undefined): readonly Extension[] {
  if (element === undefined) return [];
  return derElements(firstElement(element.contents).contents).map(({ contents }) => {
    const [id, ...rest] = derElements(contents);
    return { id: contentsOf(id).toString("hex"), value: contentsOf(rest.at(-1)) };
  });
}

function alternativeNamesOf(value: Buffer | undefined): {
  readonly dnsNames: readonly string[];
  readonly isDamaged: boolean;
} {
  if (value === undefined) return { dnsNames: [], isDamaged: false };
  try {
    const names = firstElement(value);
    if (names.tag !== TAG.sequence) throw new DerError();
    const dnsNames = derElements(names.contents)
      .filter(({ tag }) => tag === DNS_NAME_TAG)
      .map(({ contents }) => contents.toString("latin1"));
    return { dnsNames, isDamaged: false };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { dnsNames: [], isDamaged: true };
  }
}

/** `value` is a BIT STRING: one byte with the number of unused bits, then the bits from the most significant on. */
function keyUsageOf(value: Buffer | undefined): ReadonlySet<number> | undefined {
  if (value === undefined) return undefined;
  const [, ...bytes] = firstElement(value).contents;
  const bits = bytes.flatMap((byte, at) =>
    Array.from({ length: 8 }, (_, bit) => ((byte >> (7 - bit)) & 1 ? [at * 8 + bit] : [])).flat(),
  );
  return new Set(bits);
}

function allowsServers(value: Buffer | undefined): boolean {
  if (value === undefined) return true;
  const purposes = derElements(firstElement(value).contents).map(({ contents }) =>
    contents.toString("hex"),
  );
  return purposes.some((id) => id === OID.serverAuth || id === OID.anyExtendedKeyUsage);
}

/**
 * Returns the object identifiers with which the elements of a list begin, in hex. A damaged list has none, because only
 * advice depends on it.
 */
function listedIdsOf(value: Buffer | undefined): readonly string[] {
  if (value === undefined) return [];
  try {
    return derElements(firstElement(value).contents).map(({ contents }) =>
      firstElement(contents).contents.toString("hex"),
    );
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return [];
  }
}

function flawOf(
  version: number,
  extensions: readonly Extension[],
  isNameDamaged: boolean,
): string | undefined {
  if (version > MAX_VERSION) return `has version ${version}, which does not exist`;
  if (version < 3 && extensions.length > 0)
    return `has extensions although its version is ${version}`;
  const ids = extensions.map(({ id }) => id);
  if (new Set(ids).size < ids.length) return "has the same extension twice";
  return isNameDamaged ? "has a damaged subjectAltName" : undefined;
}
