import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { der, distinguishedName, oid, pemOf, sequence } from "./der.ts";

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** What differs from a plain certificate; every value is DER. */
export interface OddFields {
  readonly version?: 1 | 3 | 7;
  /** Contents of the INTEGER. */
  readonly serial?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  readonly keys?: KeyPair;
  /** Without: the certificate's own key. */
  readonly signer?: KeyObject;
}

export interface OddCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly der: Uint8Array;
}

const sharedKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });

export const utcTime = (text: string): Buffer => der(0x17, text);
export const generalizedTime = (text: string): Buffer => der(0x18, text);

const signatureAlgorithms: Readonly<Record<string, readonly [id: string, digest: string | null]>> =
  {
    ec: ["1.2.840.10045.4.3.2", "sha256"],
    rsa: ["1.2.840.113549.1.1.11", "sha256"],
    ed25519: ["1.3.101.112", null],
    ed448: ["1.3.101.113", null],
  };

/** A certificate with any field as it pleases the test, signed by its own key or by `signer`. */
export function issueOddCertificate(fields: OddFields = {}): OddCertificate {
  const keys = fields.keys ?? sharedKeys;
  const signer = fields.signer ?? keys.privateKey;
  const [id, digest] = signatureAlgorithms[signer.asymmetricKeyType ?? ""] ?? ["", null];
  const isRsa = signer.asymmetricKeyType === "rsa";
  const algorithm = sequence(oid(id), ...(isRsa ? [der(0x05)] : []));
  const subject = fields.subject ?? distinguishedName({ type: "CN", value: "odd.example" });
  const extensions = fields.extensions ?? [];
  const toSign = sequence(
    ...(fields.version === 1 ? [] : [der(0xa0, der(0x02, Buffer.of((fields.version ?? 3) - 1)))]),
    der(0x02, fields.serial ?? Buffer.of(0x4f, 0x01)),
    algorithm,
    fields.issuer ?? distinguishedName({ type: "CN", value: "odd issuer" }),
    sequence(
      fields.notBefore ?? utcTime("200101000000Z"),
      fields.notAfter ?? utcTime("400101000000Z"),
    ),
    subject,
    keys.publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = sign(digest, toSign, signer);
  const bytes = sequence(toSign, algorithm, der(0x03, Buffer.of(0), signature));
  return {
    der: bytes,
    chainPem: pemOf("CERTIFICATE", bytes),
    keyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
