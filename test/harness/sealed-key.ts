import { der, oid, pemOf, sequence } from "./der.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const HMAC_SHA256 = "1.2.840.113549.2.9";
const AES_256_CBC = "2.16.840.1.101.3.4.1.42";

export function derInteger(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return der(0x02, ...((bytes[0] ?? 0) >= 0x80 ? [Buffer.of(0)] : []), bytes);
}

/** The AlgorithmIdentifier of PBES2 with a derivation. */
const sealedWith = (derivation: Uint8Array): Buffer =>
  sequence(
    oid(PBES2),
    sequence(derivation, sequence(oid(AES_256_CBC), der(0x04, Buffer.alloc(16)))),
  );

export const pbkdf2Algorithm = (iterations: number): Buffer =>
  sealedWith(
    sequence(
      oid(PBKDF2),
      sequence(
        der(0x04, "saltsalt"),
        derInteger(iterations),
        sequence(oid(HMAC_SHA256), der(0x05)),
      ),
    ),
  );

export const scryptAlgorithm = (cost: number, blockSize: number, parallelism: number): Buffer =>
  sealedWith(
    sequence(
      oid(SCRYPT),
      sequence(
        der(0x04, "saltsalt"),
        derInteger(cost),
        derInteger(blockSize),
        derInteger(parallelism),
      ),
    ),
  );

/** A private key (PKCS #8) that no passphrase opens. `algorithm` says how it claims to be encrypted. */
export const sealedKeyPem = (algorithm: Uint8Array): string =>
  pemOf("ENCRYPTED PRIVATE KEY", sequence(algorithm, der(0x04, Buffer.alloc(64))));

/** Half an hour of work. */
export const endlessKeyPem = sealedKeyPem(pbkdf2Algorithm(1_000_000_000));
/** As much work as a key may take: half a second to two seconds of a core. */
export const slowKeyPem = sealedKeyPem(scryptAlgorithm(16_384, 8, 19));
