import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  AuthorityKeyIdentifierExtension,
  X509CertificateGenerator,
} from "../certificates/x509.ts";

const DAY_MS = 86_400_000;
const VALID_DAYS = 90;
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

export interface DemoCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface DemoCertificates {
  readonly caPem: string;
  readonly certificates: readonly DemoCertificate[];
}

/** Issues a CA and a certificate for each server name. The key of the CA is not kept, so that nobody can use it. */
export async function issueDemoCertificates(
  serverNames: readonly string[],
): Promise<DemoCertificates> {
  const caKeys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: [{ CN: ["TLS Director demo CA"] }],
    ...period(),
    keys: caKeys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const issue = async (serverName: string): Promise<DemoCertificate> => {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: [{ CN: [serverName] }],
      issuer: ca.subjectName,
      ...period(),
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: "dns", value: serverName }]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      ],
    });
    const keyPem = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" });
    return { chainPem: `${certificate.toString("pem")}\n`, keyPem };
  };
  const certificates = await Promise.all(serverNames.map(issue));
  return { caPem: `${ca.toString("pem")}\n`, certificates };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);

/** A serial number must be positive (RFC 5280 section 4.1.2.2), so its first bit is 0. */
const newSerialNumber = (): string => `4f${randomBytes(15).toString("hex")}`;

/** The period starts yesterday, so that a client with a slow clock accepts the certificate. */
function period(): { readonly notBefore: Date; readonly notAfter: Date } {
  const nowMs = Date.now();
  return {
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + VALID_DAYS * DAY_MS),
  };
}
