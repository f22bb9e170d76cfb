/** What an operator can want of the certificates in the inventory. */
import type { RequestKeyType } from "#model/tls/request-keys.ts";
import type { ImportFile } from "../certificates/import/find-parts.ts";
import type { RotationAllowances } from "./check-rotation.ts";

/** The files of one version. */
export interface WishedFiles {
  readonly files: readonly ImportFile[];
  /** The passphrase of an encrypted key or of a PKCS #12 file. */
  readonly passphrase: string | undefined;
  /** Whether a root in the files stays at the end of the chain. */
  readonly keepsRoot: boolean;
}

/** A certificate that the inventory is to have. */
export interface ImportWish extends WishedFiles {
  readonly name: string;
  /** Whether a certificate of the document that is read from files is kept in the inventory from then on. */
  readonly replacesFiles: boolean;
}

/** Another version of a certificate. */
export interface RotateWish extends RotationAllowances {
  readonly name: string;
  /** Undefined if a version is meant that is staged already. */
  readonly material: WishedFiles | undefined;
  /** The number of the version if there is no material. By default, it is the newest one that is staged. */
  readonly version: string | undefined;
  /** Whether the version is only kept, and becomes active by a later rotation. */
  readonly isStaged: boolean;
}

/** An earlier version of a certificate. */
export interface RollbackWish {
  readonly name: string;
  /** By default, it is the one that was active before. */
  readonly version: string | undefined;
  /** Whether a version is used that is not valid now. */
  readonly isForced: boolean;
}

/** A version that is kept no longer. */
export interface RemoveWish {
  readonly name: string;
  readonly version: string;
}

/** A key and a request for a CA. */
export interface RequestWish {
  readonly name: string;
  readonly names: readonly string[];
  readonly keyType: RequestKeyType;
}
