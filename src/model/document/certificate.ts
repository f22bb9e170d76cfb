import Type, { type TObject } from "typebox";
import { discriminatedUnion } from "./discriminated-union.ts";
import { filePath, secretText } from "./marks.ts";
import { count, oneOf, shape, text, texts, type ShapeOf } from "../shape.ts";

export const CERTIFICATE_SOURCES = ["files", "inventory"] as const;
export type CertificateSourceKind = (typeof CERTIFICATE_SOURCES)[number];

const sourceOption = <Kind extends CertificateSourceKind>(kind: Kind, description: string) =>
  Type.Literal(kind, { description });

const FilesCertificateSchema = Type.Object(
  {
    source: sourceOption("files", "are read from files, and again whenever the files change"),
    chain: filePath("PEM file with the certificate first and its intermediates after it."),
    key: Type.Optional(
      filePath("PEM file with the private key. If it is not set, the key is in the chain file."),
    ),
    passphraseFile: Type.Optional(
      filePath("File whose first line is the passphrase of an encrypted private key."),
    ),
    passphrase: Type.Optional(
      secretText("The passphrase of an encrypted private key, instead of `passphraseFile`."),
    ),
    keepLastGood: Type.Boolean({
      default: true,
      description:
        "Whether the director keeps a copy of the last good version, with its key sealed. It serves the copy after a restart if the files cannot be used then, but never if one of them was deleted.",
    }),
    allowFewerNames: Type.Boolean({
      default: false,
      description: "Whether new files may lack names of the version in use.",
    }),
    allowOtherKeyType: Type.Boolean({
      default: false,
      description: "Whether new files may have a key of another type than the version in use.",
    }),
    allowWeakerKey: Type.Boolean({
      default: false,
      description: "Whether new files may have a weaker key than the version in use.",
    }),
  },
  { additionalProperties: false, description: "A certificate and its private key in files." },
);
export type FilesCertificate = Type.Static<typeof FilesCertificateSchema>;

const InventoryCertificateSchema = Type.Object(
  {
    source: sourceOption(
      "inventory",
      "are kept by the director with their keys sealed, and come by `tlsd import certificate` and `tlsd rotate certificate`",
    ),
  },
  { additionalProperties: false, description: "A certificate that the director keeps." },
);
type InventoryCertificate = Type.Static<typeof InventoryCertificateSchema>;
export type Certificate = FilesCertificate | InventoryCertificate;

/** A certificate is checked by the schema of its source. */
export const CertificateSchema = Type.Unsafe<Certificate>(
  discriminatedUnion(
    "source",
    [FilesCertificateSchema, InventoryCertificateSchema] satisfies readonly TObject[],
    Type.Enum([...CERTIFICATE_SOURCES], {
      default: "files",
      description:
        "Where the versions of the certificate come from. Those of `files` are read from files, and again whenever the files change; those of `inventory` are kept by the director with their keys sealed, and come by `tlsd import certificate` and `tlsd rotate certificate`.",
    }),
    "A certificate and its private key.",
  ),
);

const KEY_TYPES = ["ecdsa", "rsa", "ed25519"] as const;
export type KeyType = (typeof KEY_TYPES)[number];

const schemes = (description: string) =>
  Type.Array(Type.Integer({ minimum: 0, maximum: 0xffff }), { description });

export const SigningFactsSchema = shape(
  {
    keySchemes: schemes(
      "The schemes with which the private key can sign a TLS 1.3 handshake. An ECDSA key has the one of its curve.",
    ),
    chainSchemes: schemes(
      "The schemes of the signatures in the chain, each once, without those of self-signed certificates.",
    ),
  },
  "The signature schemes that a client must support to be served a certificate, as code points (RFC 8446 section 4.2.3).",
);
export type SigningFacts = ShapeOf<typeof SigningFactsSchema>;

const timeMs = Type.Number({ description: "Milliseconds since the epoch." });

export const CertificateFactsSchema = shape(
  {
    names: texts(
      "The DNS names of the subjectAltName in lower case, or the common name if there are none.",
    ),
    keyType: oneOf(KEY_TYPES, "Type of the key."),
    keySize: count("Length of the key in bits, e.g. 256 for P-256 or 2048 for RSA."),
    curve: Type.Optional(text("The curve of an ECDSA key, e.g. `P-256`.")),
    subject: text("Distinguished name of the subject."),
    issuer: text("Distinguished name of the issuer."),
    serialNumber: text("Serial number, hex."),
    fingerprint: text("SHA-256 of the DER of the certificate, lower-case hex without colons."),
    spkiPin: text(
      "`sha256/` and the SHA-256 of the subjectPublicKeyInfo in base64, as pins of RFC 7469 have it.",
    ),
    notBeforeMs: timeMs,
    notAfterMs: timeMs,
  },
  "The public facts of one version of a certificate.",
);
export type CertificateFacts = ShapeOf<typeof CertificateFactsSchema>;

const ChainCertificateSchema = shape(
  {
    subject: text("Distinguished name of the subject."),
    issuer: text("Distinguished name of the issuer."),
    serialNumber: text("Serial number, hex."),
    fingerprint: text("SHA-256 of the DER of the certificate, lower-case hex without colons."),
    notBeforeMs: Type.Optional(timeMs),
    notAfterMs: Type.Optional(timeMs),
    isSelfSigned: Type.Boolean({ description: "Whether it has signed itself, as a root has." }),
  },
  "A certificate of a chain. Its dates are absent if they do not exist.",
);

export const ChainFactsSchema = shape(
  {
    certificates: Type.Array(ChainCertificateSchema, {
      description: "The certificates in the order in which clients receive them.",
    }),
    brokenAt: Type.Optional(
      count(
        "Position, from 1, of the first certificate that was not issued by the one after it. Absent if there is none.",
      ),
    ),
    lacksIssuer: Type.Optional(
      text("Distinguished name of the intermediate that the chain lacks. Absent if it lacks none."),
    ),
    isPublic: Type.Boolean({
      description:
        "Whether the chain leads to a root that browsers trust, so that their rules apply.",
    }),
  },
  "The public facts of the chain of a version.",
);
export type ChainFacts = ShapeOf<typeof ChainFactsSchema>;
