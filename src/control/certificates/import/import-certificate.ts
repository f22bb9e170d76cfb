import type { Problem } from "#model/failure.ts";
import type { MaterialReader } from "../../reader/material-reader.ts";
import { versionOf } from "../read-certificate.ts";
import { readMaterial } from "../read-material.ts";
import { sourceProblem } from "../source-problem.ts";
import type { CertificateVersion } from "../sources.ts";
import type { ImportNote } from "./import-note.ts";
import type { ImportInput } from "./read-import.ts";

/** A certificate that can be served, and what was done to make it so. */
export interface ImportedCertificate {
  /** The chain is sorted and completed. The key is PKCS #8 without encryption. */
  readonly version: CertificateVersion;
  readonly warnings: readonly Problem[];
  readonly notes: readonly ImportNote[];
}

const MAX_FILES = 16;
/** All files are sent to the reader process in one message. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Has a reader process read what an operator imports. Throws SourceProblem. */
export async function importCertificate(
  { files, passphrase, pendingKeyPem, intermediatesPem, ...options }: ImportInput,
  reader: MaterialReader,
): Promise<ImportedCertificate> {
  if (files.length > MAX_FILES) {
    const message = `There are ${files.length} files, more than ${MAX_FILES}.`;
    throw sourceProblem("import-too-large", options.place, message);
  }
  if (files.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES) {
    const message = `The files have more than ${MAX_BYTES / 1024 / 1024} MiB.`;
    throw sourceProblem("import-too-large", options.place, message);
  }
  const { reply, parts } = await readMaterial(
    reader,
    {
      kind: "import",
      names: files.map(({ name }) => name),
      hasPassphrase: passphrase !== undefined,
      options,
    },
    [
      Buffer.from(passphrase ?? ""),
      Buffer.from(pendingKeyPem ?? ""),
      Buffer.from(intermediatesPem),
      ...files.map(({ bytes }) => bytes),
    ],
    options.place,
  );
  return { version: versionOf(reply, parts), warnings: reply.warnings, notes: reply.notes };
}
