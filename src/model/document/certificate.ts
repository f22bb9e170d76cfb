import Type from "typebox";

const path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

export const CertificateSchema = Type.Object(
  {
    source: Type.Enum(["files"], {
      default: "files",
      description: "Where the certificate comes from.",
    }),
    chain: path("PEM file with the certificate first and its intermediates after it."),
    key: Type.Optional(
      path("PEM file with the private key. If it is not set, the key is in the chain file."),
    ),
    passphraseFile: Type.Optional(
      path("File whose first line is the passphrase of an encrypted private key."),
    ),
  },
  { additionalProperties: false, description: "A certificate and its private key." },
);
export type Certificate = Type.Static<typeof CertificateSchema>;

export type KeyType = "ecdsa" | "rsa" | "ed25519";

/** The signature schemes that a client must support to be served a certificate, as code points (RFC 8446 section 4.2.3). */
export interface SigningFacts {
  /** The schemes with which the private key can sign a TLS 1.3 handshake. An ECDSA key has the one of its curve. */
  readonly keySchemes: readonly number[];
  /** The schemes of the signatures in the chain, each once, without those of self-signed certificates. */
  readonly chainSchemes: readonly number[];
}

/** The public facts of one version of a certificate. */
export interface CertificateFacts {
  /** The DNS names of the subjectAltName in lower case, or the common name if there are none. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  /** SHA-256 of the DER of the leaf, lower-case hex without colons. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
