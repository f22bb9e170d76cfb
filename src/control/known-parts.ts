/** What the control process knows of the parts of documents that it has seen, so that a change costs what it touches. */
import { filledPartsOf } from "#model/document/conform.ts";
import { partsOf } from "#model/document/document-parts.ts";
import type { Document } from "#model/document/document.ts";
import { noteFitting } from "#model/document/fits.ts";
import type { Profile } from "#model/document/profile.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { isJsonMap, tryEntry, type Json, type JsonMap } from "#model/json.ts";
import { Remembered } from "#model/remembered.ts";

const PART_CHARACTERS = new Remembered((part: JsonMap) => JSON.stringify(part).length);

export interface DocumentCharacters {
  /** The length of the JSON text of the document. */
  readonly all: number;
  /** The length of the parts that were not parsed in this process before. */
  readonly unknown: number;
}

export function charactersOf(document: JsonMap): DocumentCharacters {
  const sections = Object.values(document).filter(isJsonMap);
  // A part that is known stays so.
  const rest = sections.every((named) => knownSections.has(named)) ? [] : partsOf(document);
  const unknown = rest
    .filter(({ schema, part }) => filledPartsOf(schema)?.has(part) !== true)
    .reduce((sum, { part }) => sum + PART_CHARACTERS.of(part), 0);
  if (unknown === 0) for (const named of sections) knownSections.add(named);
  const all = charactersOfMap(document, (named) =>
    isJsonMap(named) ? SECTION_CHARACTERS.of(named) : JSON.stringify(named).length,
  );
  return { all, unknown };
}

/** The sections of which each part was parsed in this process before. */
const knownSections = new WeakSet<JsonMap>();

const SECTION_CHARACTERS = new Remembered((named: JsonMap): number =>
  charactersOfMap(named, charactersOfPart),
);

const charactersOfPart = (part: Json): number =>
  isJsonMap(part) ? PART_CHARACTERS.of(part) : JSON.stringify(part).length;

/** Returns the length of `{"key":value,...}`. */
function charactersOfMap(map: JsonMap, charactersOfValue: (value: Json) => number): number {
  const entries = Object.entries(map);
  return entries.reduce(
    (sum, [key, value]) => sum + JSON.stringify(key).length + 1 + charactersOfValue(value),
    2 + Math.max(0, entries.length - 1),
  );
}

/**
 * Notes the parts of a document that a reader process has parsed, so that the next change need not parse them again. Both documents
 * have absolute paths.
 */
export function noteParts(written: WrittenDocument, document: Document): void {
  for (const { section, name, part, schema } of partsOf(written)) {
    const named = (document as unknown as JsonMap)[section];
    const filled = isJsonMap(named) ? tryEntry(named, name) : undefined;
    if (!isJsonMap(filled)) continue;
    // Only the written form has its listeners in the order of their ports.
    if (section === "profiles" && !isInPortOrder(filled as unknown as Profile)) continue;
    noteFitting(schema, part, filled);
  }
}

const isInPortOrder = ({ vnics }: Profile): boolean =>
  Object.values(vnics).every(({ listeners }) =>
    listeners.every(({ port }, at) => at === 0 || (listeners[at - 1]?.port ?? 0) <= port),
  );
