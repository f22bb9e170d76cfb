/**
 * The format of a backup: one JSON value a line. The first line is a header, the last one a trailer. Between them are values and
 * heads. A head comes after the values that it needs, and after the older heads of its line.
 */
import { DOCUMENT_SCHEMA } from "#model/document/migrations/migrate-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type JsonMap } from "#model/json.ts";
import type { Hash, Head } from "../store.ts";
import { isHash } from "../tree/value-hash.ts";

export const BACKUP_FORMAT = 1;

export interface BackupHeader {
  readonly tlsdBackup: number;
  readonly storeId: string;
  /** Version of the program that made the backup. */
  readonly writtenBy: string;
  readonly at: string;
}

export interface BackupTrailer {
  readonly heads: number;
  readonly values: number;
  /** SHA-256 of all lines before, each with its line feed, hex. */
  readonly sha256: string;
}

export type BackupLine =
  | { readonly kind: "header"; readonly header: BackupHeader }
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "head"; readonly head: Head }
  | { readonly kind: "trailer"; readonly trailer: BackupTrailer };

export function textOf(line: BackupLine): string {
  switch (line.kind) {
    case "header":
      return `${JSON.stringify(line.header)}\n`;
    case "value":
      return `${JSON.stringify(line.value)}\n`;
    case "head":
      return `${JSON.stringify({ head: line.head })}\n`;
    case "trailer":
      return `${JSON.stringify({ end: line.trailer })}\n`;
    default:
      return line satisfies never;
  }
}

/** Throws DirectorError `backup-unusable` if the text is no line of a backup, or `state-too-new` if a newer program wrote it. */
export function parseLine(text: string, number: number): BackupLine {
  const line = tryLine(tryJson(text));
  if (line === undefined) throw unusable(`Line ${number} is not a line of a backup.`);
  if (line.kind === "header" && line.header.tlsdBackup > BACKUP_FORMAT) {
    const { tlsdBackup, writtenBy } = line.header;
    throw new DirectorError("state-too-new", `Version ${writtenBy} wrote format ${tlsdBackup}.`);
  }
  if (line.kind === "head" && line.head.schema > DOCUMENT_SCHEMA) {
    const { writtenBy, schema } = line.head;
    throw new DirectorError("state-too-new", `Version ${writtenBy} wrote schema ${schema}.`);
  }
  return line;
}

export const unusable = (detail: string, cause?: unknown): DirectorError =>
  new DirectorError("backup-unusable", detail, { cause });

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tryLine(value: unknown): BackupLine | undefined {
  if (typeof value === "string") return { kind: "value", value };
  if (!isJsonMap(value)) return undefined;
  if (isJsonMap(value["head"])) {
    const head = tryHead(value["head"]);
    return head === undefined ? undefined : { kind: "head", head };
  }
  if (isJsonMap(value["end"])) {
    const { heads, values, sha256 } = value["end"];
    return isCount(heads) && isCount(values) && typeof sha256 === "string"
      ? { kind: "trailer", trailer: { heads, values, sha256 } }
      : undefined;
  }
  const { tlsdBackup, storeId, writtenBy, at } = value;
  return isCount(tlsdBackup) && isText(storeId) && isText(writtenBy) && isText(at)
    ? { kind: "header", header: { tlsdBackup, storeId, writtenBy, at } }
    : undefined;
}

function tryHead(value: JsonMap): Head | undefined {
  const { line, number, parent, at, roots, schema, writtenBy, note } = value;
  const isSound =
    isText(line) &&
    isCount(number) &&
    isCount(parent) &&
    isText(at) &&
    !Number.isNaN(Date.parse(at)) &&
    isJsonMap(roots) &&
    Object.values(roots).every(isHash) &&
    isCount(schema) &&
    isText(writtenBy) &&
    isJsonMap(note);
  if (!isSound) return undefined;
  const known = { line, number, parent, at, schema, writtenBy };
  return { ...known, roots: roots as Record<string, Hash>, note };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 256;
