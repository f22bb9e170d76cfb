// @peculiar/x509 needs the metadata API to be there before it loads.
import "reflect-metadata";
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
  type Extension,
  type PublicKeyType,
  type X509Certificate,
} from "@peculiar/x509";
import { writeFiles } from "./temp-folder.ts";
import {
  keyPairOf,
  privateKeyPem,
  signingAlgorithms,
  type CryptoKeyPair,
  type KeyType,
} from "./test-keys.ts";

export type Validity = "valid" | "expired" | "not-yet-valid";

export interface IssueOptions {
  /** DNS names, `*.example` and IP addresses; the first is the common name. */
  readonly names: readonly string[];
  /** Without: the first of `names`; "" for an empty subject. */
  readonly commonName?: string;
  readonly usage?: "server" | "client";
  readonly keyType?: KeyType;
  readonly validity?: Validity;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly Extension[];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function periodOf(
  validity: Validity,
  notAfter: Date | undefined,
): { notBefore: Date; notAfter: Date } {
  const daysFromNow = { valid: [-1, 30], expired: [-30, -1], "not-yet-valid": [1, 30] } as const;
  const [from, to] = daysFromNow[validity];
  return {
    notBefore: new Date(Date.now() + from * dayMs),
    notAfter: notAfter ?? new Date(Date.now() + to * dayMs),
  };
}

function newSerial(): string {
  // The first byte stays below 0x80, or DER would take the number for a negative one.
  return `4f${randomBytes(15).toString("hex")}`;
}

/** A certificate with its key. */
export class IssuedCertificate {
  readonly serial: string;
  readonly certificatePem: string;
  /** The certificate, then the intermediates up to the root, without the root. */
  readonly chainPem: string;
  readonly keyPem: string;
  readonly #keys: CryptoKeyPair;

  constructor(certificate: X509Certificate, issuerChainPem: string, keys: CryptoKeyPair) {
    this.serial = certificate.serialNumber;
    this.certificatePem = `${certificate.toString("pem")}\n`;
    this.chainPem = this.certificatePem + issuerChainPem;
    this.keyPem = privateKeyPem(keys);
    this.#keys = keys;
  }

  encryptedKeyPem(passphrase: string): string {
    return privateKeyPem(this.#keys, passphrase);
  }

  /** `<name>.pem` and `<name>.key` (0600), plus `<name>.pass` when the key is to be encrypted. */
  async writeTo(
    folder: string,
    name: string,
    passphrase?: string,
  ): Promise<{ chain: string; key: string; passphraseFile: string }> {
    const keyPem = passphrase === undefined ? this.keyPem : this.encryptedKeyPem(passphrase);
    await writeFiles(folder, {
      [`${name}.pem`]: this.chainPem,
      [`${name}.key`]: keyPem,
      ...(passphrase === undefined ? {} : { [`${name}.pass`]: `${passphrase}\n` }),
    });
    const pathOf = (ending: string): string => join(folder, `${name}.${ending}`);
    return { chain: pathOf("pem"), key: pathOf("key"), passphraseFile: pathOf("pass") };
  }
}

/** A root or an intermediate that issues certificates and revocation lists. */
export class TestCa {
  readonly certificatePem: string;
  readonly #certificate: X509Certificate;
  readonly #keys: CryptoKeyPair;
  readonly #keyType: KeyType;
  readonly #chainPem: string;

  constructor(
    certificate: X509Certificate,
    keys: CryptoKeyPair,
    keyType: KeyType,
    chainPem: string,
  ) {
    this.certificatePem = `${certificate.toString("pem")}\n`;
    this.#certificate = certificate;
    this.#keys = keys;
    this.#keyType = keyType;
    this.#chainPem = chainPem;
  }

  async issue(options: IssueOptions): Promise<IssuedCertificate> {
    const keys = await keyPairOf(options.keyType ?? "ecdsa");
    return new IssuedCertificate(
      await this.#issueFor(keys.publicKey, options),
      this.#chainPem,
      keys,
    );
  }

  /** A certificate for the key of a request (PKCS #10, PEM). */
  async sign(
    requestPem: string,
    options: IssueOptions,
  ): Promise<Pick<IssuedCertificate, "serial" | "chainPem">> {
    const { publicKey } = new Pkcs10CertificateRequest(requestPem);
    const certificate = await this.#issueFor(publicKey, options);
    return {
      serial: certificate.serialNumber,
      chainPem: `${certificate.toString("pem")}\n${this.#chainPem}`,
    };
  }

  #issueFor(publicKey: PublicKeyType, options: IssueOptions): Promise<X509Certificate> {
    const names = options.names.map((value) => ({
      type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
      value,
    }));
    const usage =
      options.usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
    return this.#sign(publicKey, {
      commonName: options.commonName ?? options.names[0] ?? "no name",
      ...periodOf(options.validity ?? "valid", options.notAfter),
      ...(options.notBefore === undefined ? {} : { notBefore: options.notBefore }),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
          true,
        ),
        new ExtendedKeyUsageExtension([usage]),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
        ...(options.extensions ?? []),
      ],
    });
  }

  async issueIntermediate(commonName: string): Promise<TestCa> {
    const keys = await keyPairOf("ecdsa");
    const certificate = await this.#sign(keys.publicKey, {
      commonName,
      ...periodOf("valid", undefined),
      extensions: caExtensions(),
    });
    const chainPem = `${certificate.toString("pem")}\n${this.#chainPem}`;
    return new TestCa(certificate, keys, "ecdsa", chainPem);
  }

  /** A revocation list (PEM) for serials that this CA issued. */
  async revocationList(
    serials: readonly string[],
    validity: "valid" | "expired" = "valid",
  ): Promise<string> {
    const { notBefore, notAfter } = periodOf(validity, undefined);
    const list = await X509CrlGenerator.create({
      issuer: this.#certificate.subjectName,
      thisUpdate: notBefore,
      nextUpdate: notAfter,
      entries: serials.map((serialNumber) => ({
        serialNumber,
        revocationDate: notBefore,
        reason: X509CrlReason.keyCompromise,
      })),
      extensions: [await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey)],
      signingAlgorithm: signingAlgorithms[this.#keyType],
      signingKey: this.#keys.privateKey,
    });
    // The library's own label, "CRL", is not the one of RFC 7468 section 6, and OpenSSL refuses it.
    return `${PemConverter.encode(list.rawData, "X509 CRL")}\n`;
  }

  async #sign(
    publicKey: PublicKeyType,
    facts: {
      readonly commonName: string;
      readonly notBefore: Date;
      readonly notAfter: Date;
      readonly extensions: readonly Extension[];
    },
  ): Promise<X509Certificate> {
    return X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: facts.commonName === "" ? [] : [{ CN: [facts.commonName] }],
      issuer: this.#certificate.subjectName,
      notBefore: facts.notBefore,
      notAfter: facts.notAfter,
      publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: signingAlgorithms[this.#keyType],
      extensions: [
        ...facts.extensions,
        await SubjectKeyIdentifierExtension.create(publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
  }
}

function caExtensions(): Extension[] {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
}

/** A new self-signed root; takes a few milliseconds. */
export async function createTestCa(
  commonName = "TLS Director test CA",
  keyType: KeyType = "ecdsa",
): Promise<TestCa> {
  const keys = await keyPairOf(keyType);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [commonName] }],
    ...periodOf("valid", undefined),
    keys,
    signingAlgorithm: signingAlgorithms[keyType],
    extensions: [...caExtensions(), await SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return new TestCa(certificate, keys, keyType, "");
}
