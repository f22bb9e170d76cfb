/** What the files that a document names hold, proven and ready for workers. */
import type { CertificateFacts, SigningFacts } from "#model/document/certificate.ts";
import type { MaterialId } from "#model/names.ts";
import type { Material } from "#model/records/snapshot.ts";

/** A version of a certificate or of a CA bundle. */
export type SourceVersion = CertificateVersion | TrustVersion;

export interface CertificateVersion {
  readonly id: MaterialId;
  readonly material: Extract<Material, { readonly kind: "certificate" }>;
  readonly facts: CertificateFacts;
  /** What engine bun is known not to accept, e.g. "an RSA-PSS key". */
  readonly bunRefusal: string | undefined;
  /** Whether its extended key usage allows TLS servers. */
  readonly isForServers: boolean;
  readonly signing: SigningFacts;
  /** When the intermediates of the chain expire, in milliseconds since the epoch. */
  readonly intermediates: readonly { readonly subject: string; readonly notAfterMs: number }[];
}

/** Dates in milliseconds since the epoch. */
export interface TrustValidity {
  /** When the last CA certificate expires; undefined for the bundle of the system. */
  readonly caEndMs?: number;
  /** When each revocation list is due to be replaced, if it says so. */
  readonly lists: readonly { readonly issuer: string; readonly nextUpdateMs: number }[];
}

export interface TrustVersion {
  readonly id: MaterialId;
  readonly material: Extract<Material, { readonly kind: "trust" }>;
  readonly validity: TrustValidity;
  /** The subject of a CA of the bundle that leads to no root of the bundle (unrooted-ca.ts). Absent if there is none. */
  readonly unrootedCa?: string;
}

export interface Sources {
  /** By name in the document. */
  readonly certificates: ReadonlyMap<string, CertificateVersion>;
  /** By `trustKeyOf`, the system's by `SYSTEM_TRUST_KEY`. */
  readonly trusts: ReadonlyMap<string, TrustVersion>;
}

/** The system's CA bundle, which has no path in the document. */
export const SYSTEM_TRUST_KEY = "";

/** Of the paths as they stand in the document. */
export const trustKeyOf = (ca: string, crl: string | undefined): string =>
  crl === undefined ? ca : `${ca}\n${crl}`;
