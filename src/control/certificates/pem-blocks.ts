/** Textual encodings of RFC 7468. */
export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`, `X509 CRL` ... */
  readonly label: string;
  readonly pem: string;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*$/;

/** The blocks of a file in their order; undefined when one is not closed, as in a file that is still being written. */
export function tryPemBlocks(text: string): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const begun = BEGIN.exec(line)?.[1];
    if (begun !== undefined) {
      if (label !== undefined) return undefined;
      label = begun;
      lines = [];
    }
    if (label === undefined) continue;
    lines.push(line.trimEnd());
    if (line.trimEnd() !== `-----END ${label}-----`) continue;
    blocks.push({ label, pem: `${lines.join("\n")}\n` });
    label = undefined;
  }
  return label === undefined ? blocks : undefined;
}

export const isCertificateBlock = ({ label }: PemBlock): boolean =>
  label === "CERTIFICATE" || label === "X509 CERTIFICATE";

export const isPrivateKeyBlock = ({ label }: PemBlock): boolean => label.endsWith("PRIVATE KEY");
