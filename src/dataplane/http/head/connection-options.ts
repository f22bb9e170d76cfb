import { randomInt } from "node:crypto";
import { COMMA, HTAB, IS_TOKEN, isWord, LOWER, SP } from "./ascii.ts";
import { FIELD } from "./field-names.ts";
import { type HeadFields, MAX_FIELDS } from "./head-fields.ts";
import { type HeadRefusal, refusalOf } from "./head-refusal.ts";

/** The limit for all Connection fields of a head. The hash of each option is compared with that of each field. */
export const MAX_CONNECTION_OPTIONS = 100;

const CLOSE = Buffer.from("close", "latin1");
const KEEP_ALIVE = Buffer.from("keep-alive", "latin1");
const UPGRADE = Buffer.from("upgrade", "latin1");

/** The hashes of the names in the head that is being marked. */
const HASHES = new Int32Array(MAX_FIELDS);
/** A client cannot choose names of the same hash if it does not know where the hash starts. */
const FIRST_HASH = randomInt(2 ** 31);

/** What the Connection fields of a head say (RFC 9110 section 7.6.1). */
export class ConnectionOptions {
  hasClose = false;
  hasKeepAlive = false;
  hasUpgrade = false;
  #count = 0;
  /** Whether an option is the name of a field that is not removed anyway. */
  #nominates = false;

  restart(): void {
    this.hasClose = false;
    this.hasKeepAlive = false;
    this.hasUpgrade = false;
    this.#count = 0;
    this.#nominates = false;
  }

  /** Takes the value of a Connection field: a list of tokens, in which empty elements are ignored. */
  take(bytes: Buffer, start: number, end: number): HeadRefusal | undefined {
    let at = start;
    while (at < end) {
      const optionEnd = endOfToken(bytes, at, end);
      if (optionEnd > at) {
        this.#count += 1;
        if (this.#count > MAX_CONNECTION_OPTIONS) return refusalOf("too-many-connection-options");
        this.#takeOption(bytes, at, optionEnd);
      }
      at = optionEnd;
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
      if (at < end && bytes[at] !== COMMA) return refusalOf("bad-connection");
      at += 1;
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
    }
    return undefined;
  }

  #takeOption(bytes: Buffer, start: number, end: number): void {
    if (isWord(bytes, start, end, KEEP_ALIVE)) this.hasKeepAlive = true;
    else if (isWord(bytes, start, end, CLOSE)) this.hasClose = true;
    else if (isWord(bytes, start, end, UPGRADE)) this.hasUpgrade = true;
    else this.#nominates = true;
  }

  /** Marks the fields that Connection nominates, except Host and Content-Length. */
  markNominated(fields: HeadFields): void {
    if (!this.#nominates) return;
    for (let index = 0; index < fields.count; index += 1) {
      const start = fields.nameStart[index] ?? 0;
      HASHES[index] = hashOf(fields.bytes, start, fields.nameEnd[index] ?? start);
    }
    for (let index = 0; index < fields.count; index += 1) {
      if (fields.kind[index] === FIELD.connection) markNominatedBy(fields, index);
    }
  }
}

function endOfToken(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && IS_TOKEN[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

function markNominatedBy(fields: HeadFields, connection: number): void {
  const { bytes } = fields;
  const end = fields.valueEnd[connection] ?? 0;
  let at = fields.valueStart[connection] ?? 0;
  while (at < end) {
    const optionEnd = endOfToken(bytes, at, end);
    if (optionEnd > at) markNamed(fields, at, optionEnd);
    at = optionEnd + 1;
  }
}

function markNamed(fields: HeadFields, start: number, end: number): void {
  const hash = hashOf(fields.bytes, start, end);
  for (let index = 0; index < fields.count; index += 1) {
    if (HASHES[index] !== hash) continue;
    const kind = fields.kind[index];
    if (kind === FIELD.host || kind === FIELD.contentLength) continue;
    if (isNamed(fields, index, start, end)) fields.isHop[index] = 1;
  }
}

function isNamed(fields: HeadFields, index: number, start: number, end: number): boolean {
  const { bytes } = fields;
  const nameStart = fields.nameStart[index] ?? 0;
  const length = end - start;
  if ((fields.nameEnd[index] ?? 0) - nameStart !== length) return false;
  for (let at = 0; at < length; at += 1) {
    if (LOWER[bytes[nameStart + at] ?? 0] !== LOWER[bytes[start + at] ?? 0]) return false;
  }
  return true;
}

/** Ignores the case of letters. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = FIRST_HASH;
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ (LOWER[bytes[at] ?? 0] ?? 0), 0x01000193);
  }
  return hash;
}
