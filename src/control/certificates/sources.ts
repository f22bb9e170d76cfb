/** The checked contents of the files that a document names, in the form that workers need. */
import type { CertificateFacts, ChainFacts, SigningFacts } from "#model/document/certificate.ts";
import type { MaterialId } from "#model/names.ts";
import type { Material } from "#model/records/snapshot.ts";
import type { HeldKey } from "./held-key.ts";

/** Chain and key of a certificate, in the form in which the control process holds them. */
export interface HeldCertificate {
  readonly kind: "certificate";
  readonly chainPem: string;
  readonly key: HeldKey;
}

/** What is sent to a worker as `Material`. */
export type HeldMaterial = HeldCertificate | Exclude<Material, { readonly kind: "certificate" }>;

export const materialOfHeld = (held: HeldMaterial): Material =>
  held.kind === "certificate"
    ? { kind: "certificate", chainPem: held.chainPem, keyPem: held.key.open() }
    : held;

/** A version of a certificate or of a CA bundle. */
export type SourceVersion = CertificateVersion | TrustVersion;

export interface CertificateVersion {
  readonly id: MaterialId;
  readonly material: HeldCertificate;
  readonly facts: CertificateFacts;
  /** What engine bun does not accept in the certificate, e.g. "an RSA-PSS key". */
  readonly bunRefusal: string | undefined;
  /** Whether the extended key usage allows TLS servers. */
  readonly isForServers: boolean;
  readonly signing: SigningFacts;
  readonly chain: ChainFacts;
}

/** Dates in milliseconds since the epoch. */
export interface TrustValidity {
  /** The validity periods of the CA certificates. Empty for the bundle of the system. */
  readonly authorities: readonly { readonly notBeforeMs: number; readonly notAfterMs: number }[];
  /** When each revocation list begins to be valid, and when it must be replaced if it says so. */
  readonly lists: readonly {
    readonly issuer: string;
    readonly thisUpdateMs: number;
    readonly nextUpdateMs?: number;
  }[];
}

export interface TrustVersion {
  readonly id: MaterialId;
  readonly material: Extract<Material, { readonly kind: "trust" }>;
  readonly validity: TrustValidity;
  /** The subject of a CA that no root of the bundle has issued, directly or through others. Absent if there is none. */
  readonly unrootedCa?: string;
}

export interface Sources {
  /** The key is the name of the certificate in the document. */
  readonly certificates: ReadonlyMap<string, CertificateVersion>;
  /** The key is from `trustKeyOf`. The CA bundle of the system has the key `SYSTEM_TRUST_KEY`. */
  readonly trusts: ReadonlyMap<string, TrustVersion>;
}

/** The key of the CA bundle of the system, which has no path in the document. */
export const SYSTEM_TRUST_KEY = "";

/** Returns the key of a trust. `ca` and `crl` are the paths as written in the document. */
export const trustKeyOf = (ca: string, crl: string | undefined): string =>
  crl === undefined ? ca : `${ca}\n${crl}`;
