/** Reads how a key or a PKCS #12 content is encrypted, so that the cost of opening it is known before the work starts. */
import { derElements, DerError, firstElement, TAG, type DerElement } from "./der-reader.ts";

interface Cipher {
  readonly name: string;
  readonly keyBytes: number;
}

/** PBKDF2 of RFC 8018, or the derivation of RFC 7292 appendix B. */
export type KeyEncryption =
  | {
      readonly kind: "pbkdf2";
      readonly iterations: number;
      readonly salt: Buffer;
      /** The names of OpenSSL. Undefined for an algorithm that is not in the list, which OpenSSL may know. */
      readonly digest: string | undefined;
      readonly cipher: Cipher | undefined;
      readonly iv: Buffer;
    }
  | {
      readonly kind: "pkcs12";
      readonly iterations: number;
      readonly salt: Buffer;
      readonly cipher: "3DES" | "RC2";
      readonly keyBytes: number;
    }
  | { readonly kind: "scrypt"; readonly cost: number; readonly memoryBytes: number }
  /** `name` completes "It is encrypted with …". */
  | { readonly kind: "unsupported"; readonly name: string };

const PBES2 = "2a864886f70d01050d";
const PBKDF2 = "2a864886f70d01050c";
const SCRYPT = "2b06010401da47040b";
const HMAC_SHA1 = "2a864886f70d0207";

const HMAC_DIGESTS: Readonly<Record<string, string>> = {
  [HMAC_SHA1]: "sha1",
  "2a864886f70d0208": "sha224",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512",
};

const CIPHERS: Readonly<Record<string, Cipher>> = {
  "608648016503040102": { name: "aes-128-cbc", keyBytes: 16 },
  "608648016503040116": { name: "aes-192-cbc", keyBytes: 24 },
  "60864801650304012a": { name: "aes-256-cbc", keyBytes: 32 },
  "2a864886f70d0307": { name: "des-ede3-cbc", keyBytes: 24 },
};

const PKCS12_CIPHERS: Readonly<
  Record<string, readonly [cipher: "3DES" | "RC2", keyBytes: number]>
> = {
  "2a864886f70d010c0103": ["3DES", 24],
  "2a864886f70d010c0104": ["3DES", 16],
  "2a864886f70d010c0105": ["RC2", 16],
  "2a864886f70d010c0106": ["RC2", 5],
};

/** Schemes and ciphers that are too weak, or that OpenSSL 3 no longer supports without its legacy provider. */
const WEAK: Readonly<Record<string, string>> = {
  "2a864886f70d010501": "MD2 and DES",
  "2a864886f70d010503": "MD5 and DES",
  "2a864886f70d010504": "MD2 and RC2",
  "2a864886f70d010506": "MD5 and RC2",
  "2a864886f70d01050a": "SHA-1 and DES",
  "2a864886f70d01050b": "SHA-1 and RC2",
  "2a864886f70d010c0101": "RC4",
  "2a864886f70d010c0102": "RC4",
  "2a864886f70d0302": "RC2",
  "2b0e030207": "DES",
};

/** `algorithm` is an AlgorithmIdentifier (RFC 5280 section 4.1.1.2). Throws DerError if it is damaged. */
export function keyEncryptionOf(algorithm: DerElement): KeyEncryption {
  const [id, parameters] = derElements(algorithm.contents);
  const scheme = idOf(id);
  if (scheme === PBES2) return schemeTwoOf(partsOf(parameters));
  const pkcs12 = PKCS12_CIPHERS[scheme];
  if (pkcs12 === undefined) return unsupported(scheme);
  const [cipher, keyBytes] = pkcs12;
  const [salt, iterations] = partsOf(parameters);
  return {
    kind: "pkcs12",
    iterations: iterationsOf(iterations),
    salt: contentsOf(salt),
    cipher,
    keyBytes,
  };
}

/** Parameters of PBES2 (RFC 8018 appendix A.4). */
function schemeTwoOf([derivation, encryption]: readonly DerElement[]): KeyEncryption {
  const [derivationId, derivationParameters] = partsOf(derivation);
  const [cipherId, iv] = partsOf(encryption);
  const [salt, ...others] = partsOf(derivationParameters);
  if (idOf(derivationId) === SCRYPT) {
    const [cost = 0, blockSize = 0, parallelism = 0] = others.slice(0, 3).map(integerOf);
    return {
      kind: "scrypt",
      cost: cost * blockSize * parallelism,
      memoryBytes: SCRYPT_BLOCK_BYTES * cost * blockSize,
    };
  }
  if (idOf(derivationId) !== PBKDF2) return unsupported(idOf(derivationId));
  const cipher = idOf(cipherId);
  if (WEAK[cipher] !== undefined) return unsupported(cipher);
  const prf = others.find(({ tag }) => tag === TAG.sequence);
  return {
    kind: "pbkdf2",
    iterations: iterationsOf(others[0]),
    salt: contentsOf(salt),
    digest: HMAC_DIGESTS[prf === undefined ? HMAC_SHA1 : idOf(partsOf(prf)[0])],
    cipher: CIPHERS[cipher],
    iv: contentsOf(iv),
  };
}

/** RFC 7914 section 2. */
const SCRYPT_BLOCK_BYTES = 128;

const unsupported = (id: string): KeyEncryption => ({
  kind: "unsupported",
  name: WEAK[id] ?? `an algorithm that the director does not know (${dottedOf(id)})`,
});

/** Returns an object identifier in dotted form, e.g. `1.2.840`. */
function dottedOf(hex: string): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of Buffer.from(hex, "hex")) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)));
    arcs.push(arcs.length === 1 ? arc - (arcs[0] ?? 0) * 40 : arc);
    arc = 0;
  }
  return arcs.slice(0, MAX_ARCS).join(".");
}

const MAX_ARCS = 16;

function contentsOf(element: DerElement | undefined): Buffer {
  if (element === undefined) throw new DerError();
  return element.contents;
}

const partsOf = (element: DerElement | undefined): readonly DerElement[] =>
  derElements(contentsOf(element));

const idOf = (element: DerElement | undefined): string => contentsOf(element).toString("hex");

const MAX_INTEGER_BYTES = 6;

/** Returns Infinity for a number that is larger than any useful one, or negative. */
export function integerOf(element: DerElement | undefined): number {
  const contents = contentsOf(element);
  const [first] = contents;
  if (element?.tag !== TAG.integer || first === undefined) throw new DerError();
  const digits = first === 0 ? contents.subarray(1) : contents;
  if (first >= 0x80 || digits.length > MAX_INTEGER_BYTES) return Infinity;
  return digits.length === 0 ? 0 : digits.readUIntBE(0, digits.length);
}

function iterationsOf(element: DerElement | undefined): number {
  const iterations = integerOf(element);
  if (iterations < 1) throw new DerError();
  return iterations;
}

/** Returns how an EncryptedPrivateKeyInfo (RFC 5958 section 3) is encrypted. Throws DerError if it is damaged. */
export function encryptionOfPrivateKey(der: Buffer): KeyEncryption {
  const [algorithm] = derElements(firstElement(der).contents);
  if (algorithm === undefined) throw new DerError();
  return keyEncryptionOf(algorithm);
}
