/** What the files that a document names hold, proven and ready for workers. */
import type { CertificateFacts, SigningFacts } from "#model/document/certificate.ts";
import type { MaterialId } from "#model/names.ts";
import type { Material } from "#model/records/snapshot.ts";

/** A file as it was when it was read. The signature is of `readBoundedFile`. */
export interface SourceFile {
  /** Absolute; symlinks in it are not resolved. */
  readonly path: string;
  readonly signature: string;
}

export interface CertificateVersion {
  readonly id: MaterialId;
  readonly material: Extract<Material, { readonly kind: "certificate" }>;
  readonly facts: CertificateFacts;
  /** What engine bun cannot serve, e.g. "an RSA-PSS key"; undefined if it can serve the certificate. */
  readonly bunRefusal: string | undefined;
  /** Whether its extended key usage allows TLS servers. */
  readonly isForServers: boolean;
  readonly signing: SigningFacts;
  readonly files: readonly SourceFile[];
}

export interface TrustVersion {
  readonly id: MaterialId;
  readonly material: Extract<Material, { readonly kind: "trust" }>;
  /** The subject of a CA of the bundle that leads to no root of the bundle (unrooted-ca.ts). Absent if there is none. */
  readonly unrootedCa?: string;
  readonly files: readonly SourceFile[];
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
