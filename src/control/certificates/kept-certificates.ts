import type { CertificateFacts } from "#model/document/certificate.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import type { ReadVersion } from "./document-sources.ts";
import type { CertificateVersion } from "./sources.ts";

/** Gives access to the versions of certificates that the director keeps in its store. */
export interface KeptCertificates {
  /**
   * For certificates of source `inventory`. Returns a text that changes if another version has become active, or if its key can be
   * opened again.
   */
  look(name: string): Promise<string>;
  /** Reads the active version. `place` is the path of the certificate in the document. Throws SourceProblem. */
  readActive(
    name: string,
    place: string,
    reader: MaterialReader,
  ): Promise<ReadVersion<CertificateVersion>>;
  /**
   * For certificates of source `files`. Returns the last good version of the files that `files` lists in words, or undefined if it is
   * not kept or has the material `except`.
   */
  lastGood(name: string, files: string, except: string | undefined): LastGood | undefined;
  /** Whether what is kept of files has this digest (`digestOfFiles`). Then nothing of it need be read. */
  hasFiles(digest: string): boolean;
  /** Reads what is kept, which `lastGood` needs. Never rejects: what cannot be read is read again later. */
  load(): Promise<void>;
}

/** A version of files that is kept with its key. */
export interface LastGood {
  /** Number of the version. */
  readonly version: string;
  readonly facts: CertificateFacts;
}
