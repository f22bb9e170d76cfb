import type { MaterialReader } from "../reader/material-reader.ts";
import type { ReadVersion } from "./document-sources.ts";
import type { CertificateVersion } from "./sources.ts";

/** Gives access to the certificates of source `inventory`. The director keeps their versions in its store. */
export interface KeptCertificates {
  /** Returns a text that changes if another version has become active, or if its key can be opened again. */
  look(name: string): Promise<string>;
  /** Reads the active version. `place` is the path of the certificate in the document. Throws SourceProblem. */
  readActive(
    name: string,
    place: string,
    reader: MaterialReader,
  ): Promise<ReadVersion<CertificateVersion>>;
}
