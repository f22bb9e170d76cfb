/** A textual encoding of RFC 7468. As in OpenSSL, it begins at the beginning of a line, and text between blocks is ignored. */
export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`, `X509 CRL` ... */
  readonly label: string;
  readonly pem: string;
  /** The number of its first line, counted from 1. */
  readonly line: number;
}

/** A `-----BEGIN` that does not begin a valid block. */
export interface StrayBegin {
  /** The label as far as it can be read, or "". */
  readonly label: string;
  readonly line: number;
  readonly reason: string;
}

export interface PemText {
  /** In the order of the file. */
  readonly blocks: readonly PemBlock[];
  readonly strays: readonly StrayBegin[];
  /** A block without an end, as in a file that is still being written. */
  readonly unclosed: { readonly label: string; readonly line: number } | undefined;
  /** The detected encoding of a file that is not PEM. */
  readonly encoding: "DER" | "PKCS #12" | "UTF-16" | undefined;
}

const BEGIN = "-----BEGIN";
const BEGIN_LINE = /^-----BEGIN ([A-Z0-9 #]{1,64})-----$/;
/** The byte order mark of a UTF-8 file that is read as Latin-1. */
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";
const UTF16_MARKS: readonly string[] = ["\u00ff\u00fe", "\u00fe\u00ff"];
const MAX_LABEL_LENGTH = 64;
const SHORT_PREFIX_BYTES = 2;
const LONG_FORM = 0x80;
const MAX_LENGTH_BYTES = 4;
/** A longer line cannot be the first line of a block. */
const MAX_BEGIN_LINE_LENGTH = 256;

/** Finds the blocks of a file that was read as Latin-1. */
export function parsePem(text: string): PemText {
  const blocks: PemBlock[] = [];
  const strays: StrayBegin[] = [];
  let open: { readonly label: string; readonly line: number; readonly lines: string[] } | undefined;
  const withoutMark = text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
  for (const [index, raw] of withoutMark.split("\n").entries()) {
    const line = raw.trimEnd();
    if (line.includes(BEGIN)) {
      if (open !== undefined) break;
      const label = line.length > MAX_BEGIN_LINE_LENGTH ? undefined : BEGIN_LINE.exec(line)?.[1];
      if (label === undefined) strays.push(strayOf(line, index + 1));
      else open = { label, line: index + 1, lines: [line] };
      continue;
    }
    if (open === undefined) continue;
    open.lines.push(line.trimStart());
    if (line !== `-----END ${open.label}-----`) continue;
    blocks.push({ label: open.label, pem: `${open.lines.join("\n")}\n`, line: open.line });
    open = undefined;
  }
  const unclosed = open === undefined ? undefined : { label: open.label, line: open.line };
  return { blocks, strays, unclosed, encoding: encodingOf(text) };
}

function strayOf(line: string, number: number): StrayBegin {
  const at = line.indexOf(BEGIN);
  const rest = line.slice(at + BEGIN.length, at + BEGIN.length + MAX_LABEL_LENGTH);
  const label = (/^[A-Z0-9 #]*/.exec(rest)?.[0] ?? "").trim();
  return { label, line: number, reason: reasonOf(line, at) };
}

function reasonOf(line: string, at: number): string {
  if (line.includes("\r")) return "its lines end with a carriage return alone";
  if (at === 0) return "its first line is not of the form -----BEGIN LABEL-----";
  return line.slice(0, at).trim() === ""
    ? "its first line is indented"
    : "its first line has other text before it";
}

function encodingOf(text: string): PemText["encoding"] {
  if (UTF16_MARKS.some((mark) => text.startsWith(mark))) return "UTF-16";
  // DER begins with the tag of a SEQUENCE, which is the character "0". The next byte is the length, or its number of bytes.
  if (!text.startsWith("0")) return undefined;
  const length = text.charCodeAt(1);
  if (length + SHORT_PREFIX_BYTES === text.length && length < LONG_FORM) return "DER";
  if (length <= LONG_FORM || length > LONG_FORM + MAX_LENGTH_BYTES) return undefined;
  // In PKCS #12 the SEQUENCE begins with version 3 (RFC 7292 section 4).
  const contentsAt = SHORT_PREFIX_BYTES + length - LONG_FORM;
  return text.startsWith("\u0002\u0001\u0003", contentsAt) ? "PKCS #12" : "DER";
}

const BASE64_LINE = /.{1,64}/g;

/** Returns DER as a block. */
export function pemBlockOf(label: string, der: Uint8Array): PemBlock {
  const lines = Buffer.from(der).toString("base64").match(BASE64_LINE) ?? [];
  const pem = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
  return { label, pem, line: 1 };
}

const CERTIFICATE_LABELS: readonly string[] = [
  "CERTIFICATE",
  "X509 CERTIFICATE",
  "TRUSTED CERTIFICATE",
];
const PRIVATE_KEY_LABELS: readonly string[] = [
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
  "DSA PRIVATE KEY",
];

export const isCertificateBlock = ({ label }: PemBlock): boolean =>
  CERTIFICATE_LABELS.includes(label);

export const isPrivateKeyBlock = ({ label }: PemBlock): boolean =>
  PRIVATE_KEY_LABELS.includes(label);

/** `openssl ecparam -genkey` writes the curve before the key. The key names the curve too. */
export const isCurveBlock = ({ label }: PemBlock): boolean => label === "EC PARAMETERS";

export const isRevocationBlock = ({ label }: PemBlock): boolean => label === "X509 CRL";

/**
 * Returns a phrase for a block. It never contains the first line of a private key, so that a search of the logs for leaked keys
 * has no false hits.
 */
export function blockIn(label: string, line: number): string {
  const name = PRIVATE_KEY_LABELS.includes(label)
    ? label.replace("PRIVATE KEY", "private key")
    : label;
  return name === ""
    ? `The PEM block in line ${line}`
    : `The PEM block \`${name}\` in line ${line}`;
}
