import { der, oid, pemOf, sequence } from "./der.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const HMAC_SHA256 = "1.2.840.113549.2.9";
const AES_256_CBC = "2.16.840.1.101.3.4.1.42";

/** A private key (PKCS #8) that is sealed with so many iterations of PBKDF2; no passphrase opens it. */
function sealedKeyPem(iterations: number): string {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(iterations);
  const derivation = sequence(
    oid(PBKDF2),
    sequence(der(0x04, "saltsalt"), der(0x02, count), sequence(oid(HMAC_SHA256), der(0x05))),
  );
  const cipher = sequence(oid(AES_256_CBC), der(0x04, Buffer.alloc(16)));
  const algorithm = sequence(oid(PBES2), sequence(derivation, cipher));
  return pemOf("ENCRYPTED PRIVATE KEY", sequence(algorithm, der(0x04, Buffer.alloc(64))));
}

/** Half an hour of work. */
export const endlessKeyPem = sealedKeyPem(1_000_000_000);
