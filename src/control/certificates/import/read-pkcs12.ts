/** Reads PKCS #12 files (RFC 7292). */
import { createHmac, timingSafeEqual } from "node:crypto";
import { pemBlockOf, type PemBlock } from "../pem-blocks.ts";
import { DerError, firstElement } from "../der-reader.ts";
import { integerOf, keyEncryptionOf } from "../key-encryption.ts";
import type { KeyWork } from "../key-work.ts";
import { SourceProblem, sourceProblem } from "../source-problem.ts";
import { berElement, derOf, idOf, octetsOf, partsOf, type BerElement } from "./ber.ts";
import { CONVERSION_HINT, tryDecrypt, type Passphrase } from "./open-encrypted.ts";
import { derivePkcs12Key, pkcs12Passphrase, PURPOSE } from "./pkcs12-key.ts";

export interface Pkcs12Contents {
  /** DER, in the order of the file. */
  readonly certificates: readonly Buffer[];
  /** PKCS #8 without encryption. */
  readonly keys: readonly PemBlock[];
  /** Whether a MAC proves that the file is whole. */
  readonly hasMac: boolean;
}

/** Real files have a few kilobytes for each certificate, and a bundle of all public CAs has 200 KiB. */
const MAX_BYTES = 512 * 1024;
const MAX_BAGS = 1_000;
/** How deeply a SafeContents may contain others. */
const MAX_NESTING = 8;

const CONTENT = {
  data: "2a864886f70d010701",
  encrypted: "2a864886f70d010706",
};
const BAG = {
  key: "2a864886f70d010c0a0101",
  shroudedKey: "2a864886f70d010c0a0102",
  certificate: "2a864886f70d010c0a0103",
  safeContents: "2a864886f70d010c0a0106",
};
const X509_CERTIFICATE = "2a864886f70d01091601";
const PBMAC1 = "2a864886f70d01050e";
const MAC_DIGESTS: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  "2a864886f70d0205": ["md5", 16],
  "2b0e03021a": ["sha1", 20],
  "608648016503040204": ["sha224", 28],
  "608648016503040201": ["sha256", 32],
  "608648016503040202": ["sha384", 48],
  "608648016503040203": ["sha512", 64],
};

interface Reading {
  readonly place: string;
  readonly work: KeyWork;
  /** Undefined if none was given and the file has none. */
  readonly passphrase: Passphrase | undefined;
  readonly hasMac: boolean;
  readonly certificates: Buffer[];
  readonly keys: PemBlock[];
  bags: number;
}

/** May take as long as `work` allows. Throws SourceProblem. */
export function readPkcs12(
  bytes: Buffer,
  passphrase: string | undefined,
  place: string,
  work: KeyWork,
): Pkcs12Contents {
  if (bytes.length > MAX_BYTES) {
    const message = `It is PKCS #12 of more than ${MAX_BYTES / 1024} KiB.`;
    throw sourceProblem("import-too-large", place, message);
  }
  try {
    return readFile(bytes, passphrase, place, work);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = "It is PKCS #12 that is damaged or cut off.";
    throw new SourceProblem(sourceProblem("pkcs12-malformed", place, message).problem, [], error);
  }
}

function readFile(
  bytes: Buffer,
  given: string | undefined,
  place: string,
  work: KeyWork,
): Pkcs12Contents {
  const [version, authSafe, macData] = partsOf(berElement(bytes));
  if (octetsOf(version).toString("hex") !== "03") throw new DerError();
  const [type, content] = partsOf(authSafe);
  if (idOf(type) !== CONTENT.data) {
    const message = "It is PKCS #12 that is signed with a key instead of a passphrase.";
    throw sourceProblem("encryption-unsupported", place, message, CONVERSION_HINT);
  }
  const safe = octetsOf(partsOf(content)[0]);
  const hasMac = macData !== undefined;
  const passphrase = hasMac
    ? passphraseOfMac(macData, safe, given, { place, work })
    : tryPlain(given);
  const reading: Reading = {
    place,
    work,
    passphrase,
    hasMac,
    certificates: [],
    keys: [],
    bags: 0,
  };
  for (const part of partsOf(berElement(safe))) readContentInfo(part, reading);
  const { certificates, keys } = reading;
  return { certificates, keys, hasMac };
}

const tryPlain = (text: string | undefined): Passphrase | undefined =>
  text === undefined ? undefined : { text, pkcs12: pkcs12Passphrase(text) };

/** A file without a passphrase has an empty one, which some programs encode as no bytes at all. */
const EMPTY: readonly Passphrase[] = [
  { text: "", pkcs12: pkcs12Passphrase("") },
  { text: "", pkcs12: Buffer.alloc(0) },
];

/** Returns the passphrase with which the MAC is right. Throws SourceProblem if there is none. */
function passphraseOfMac(
  macData: BerElement,
  safe: Buffer,
  given: string | undefined,
  { place, work }: { readonly place: string; readonly work: KeyWork },
): Passphrase {
  const [digestInfo, salt, iterationsElement] = partsOf(macData);
  const [algorithm, expected] = partsOf(digestInfo);
  const algorithmId = idOf(partsOf(algorithm)[0]);
  const known = MAC_DIGESTS[algorithmId];
  if (known === undefined) {
    const name = algorithmId === PBMAC1 ? "PBMAC1" : "an algorithm that the director does not know";
    const message = `It is PKCS #12 whose MAC is made with ${name}.`;
    throw sourceProblem("encryption-unsupported", place, message, MAC_HINT);
  }
  const [digest, bytes] = known;
  const iterations =
    iterationsElement === undefined ? 1 : integerOf(firstElement(derOf(iterationsElement)));
  const tries = given === undefined || given === "" ? EMPTY : [tryPlain(given)];
  const expectedMac = octetsOf(expected);
  if (expectedMac.length !== bytes) throw new DerError();
  for (const passphrase of tries) {
    if (passphrase === undefined) continue;
    const refusal = work.tryRefuse({ kind: "pkcs12", iterations }, place);
    if (refusal !== undefined) throw new SourceProblem(refusal);
    const key = derivePkcs12Key({
      passphrase: passphrase.pkcs12,
      salt: octetsOf(salt),
      iterations,
      digest,
      purpose: PURPOSE.mac,
      bytes,
    });
    const actual = createHmac(digest, key).update(safe).digest();
    if (timingSafeEqual(actual, expectedMac)) return passphrase;
  }
  throw wrongPassphrase(place, given);
}

const MAC_HINT =
  "`openssl pkcs12 -in FILE -out PEM-FILE` of OpenSSL 3.4 or later converts it. Then import PEM-FILE.";

const wrongPassphrase = (place: string, given: string | undefined): SourceProblem =>
  given === undefined
    ? sourceProblem("key-encrypted", place, "It is PKCS #12 that is encrypted.")
    : sourceProblem("bad-passphrase", place, "The passphrase does not open the PKCS #12 file.");

function readContentInfo(info: BerElement, reading: Reading): void {
  const [type, content] = partsOf(info);
  const [body] = partsOf(content);
  switch (idOf(type)) {
    case CONTENT.data:
      return readSafeContents(octetsOf(body), reading, 0);
    case CONTENT.encrypted: {
      const [, encryptedInfo] = partsOf(body);
      const [, algorithm, data] = partsOf(encryptedInfo);
      const open = (contents: Buffer): void => readSafeContents(contents, reading, 0);
      return withDecrypted(algorithm, octetsOf(data), reading, open);
    }
    default: {
      const message = "It is PKCS #12 that is encrypted for a key instead of a passphrase.";
      throw sourceProblem("encryption-unsupported", reading.place, message, CONVERSION_HINT);
    }
  }
}

/** Calls `use` with the decrypted data. Without a MAC, damage of what was decrypted means that the passphrase is wrong. */
function withDecrypted(
  algorithm: BerElement | undefined,
  data: Buffer,
  reading: Reading,
  use: (contents: Buffer) => void,
): void {
  const { place, passphrase, hasMac } = reading;
  if (algorithm === undefined) throw new DerError();
  if (passphrase === undefined) throw wrongPassphrase(place, undefined);
  const encryption = keyEncryptionOf(firstElement(derOf(algorithm)));
  const contents = tryDecrypt(encryption, data, passphrase, reading);
  if (contents === undefined) throw wrongPassphrase(place, passphrase.text);
  try {
    use(contents);
  } catch (error) {
    if (hasMac || !(error instanceof DerError)) throw error;
    throw wrongPassphrase(place, passphrase.text);
  }
}

function readSafeContents(contents: Buffer, reading: Reading, depth: number): void {
  readBags(partsOf(berElement(contents)), reading, depth);
}

function readBags(bags: readonly BerElement[], reading: Reading, depth: number): void {
  reading.bags += bags.length;
  if (reading.bags > MAX_BAGS || depth > MAX_NESTING) {
    const message = `It is PKCS #12 with more than ${MAX_BAGS} bags, or with more than ${MAX_NESTING} levels of them.`;
    throw sourceProblem("import-too-large", reading.place, message);
  }
  for (const bag of bags) readBag(bag, reading, depth);
}

/** Revocation lists and secrets are left out. */
function readBag(bag: BerElement, reading: Reading, depth: number): void {
  const [type, value] = partsOf(bag);
  const [body] = partsOf(value);
  if (body === undefined) throw new DerError();
  switch (idOf(type)) {
    case BAG.key:
      reading.keys.push(pemBlockOf("PRIVATE KEY", derOf(body)));
      break;
    case BAG.shroudedKey: {
      const [algorithm, data] = partsOf(body);
      withDecrypted(algorithm, octetsOf(data), reading, (der) => {
        // Throws DerError for the remains of a decryption with a wrong passphrase.
        firstElement(der);
        reading.keys.push(pemBlockOf("PRIVATE KEY", der));
      });
      break;
    }
    case BAG.certificate: {
      const [kind, certificate] = partsOf(body);
      if (idOf(kind) === X509_CERTIFICATE) {
        reading.certificates.push(octetsOf(partsOf(certificate)[0]));
      }
      break;
    }
    case BAG.safeContents:
      readBags(partsOf(body), reading, depth + 1);
      break;
    default:
  }
}
