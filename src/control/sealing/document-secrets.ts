import type { TSchema } from "typebox";
import { canonicalJson } from "#model/canonical-json.ts";
import { DocumentSchema } from "#model/document/document.ts";
import type { Keys } from "#model/document/document-tree.ts";
import { mapMarked, type MarkedValue } from "#model/document/map-marked.ts";
import {
  isUnopenedSecret,
  mayHaveSecret,
  schemasAt,
  unopenedSecretOf,
} from "#model/document/secrets.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type Json } from "#model/json.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import { keysOfEntry } from "../state/document-entries.ts";
import type {
  Entries,
  EntrySecrets,
  SealedEntries,
  StoredEntries,
} from "../state/entry-secrets.ts";
import { Turns } from "../turns.ts";
import { valueHashOf } from "../state/tree/value-hash.ts";
import type { SealedKeys } from "./sealed-keys.ts";
import { isSealedText, type SealedText, type TextKey } from "./text-key.ts";

/** A secret as it is stored, in place of its text. */
interface Stored {
  readonly sealed: SealedText;
}

/** A text inside of an entry has its quotes escaped, so this is found only where an entry has a sealed secret. */
const SEALED = '"sealed":{';

/** The values in the places of secrets of an entry, by their keys as JSON. */
type Secrets = ReadonlyMap<string, unknown>;

/** Seals the secrets of documents with the key of texts. */
export class DocumentSecrets implements EntrySecrets {
  readonly #keys: Pick<SealedKeys, "textKey" | "tryTextKey">;
  /** The secrets that could not be opened, by what stands for them. */
  readonly #unopened = new Map<string, Stored>();
  /** What unopened secrets are taken for. */
  readonly #assumed = new Map<string, unknown>();

  constructor(keys: Pick<SealedKeys, "textKey" | "tryTextKey">) {
    this.#keys = keys;
  }

  async sealed(entries: Entries, before: StoredEntries | undefined): Promise<SealedEntries> {
    const changed = new Map<string, string>();
    let isSealed = true;
    const turns = new Turns();
    for (const [entry, text] of entries) {
      if (!mayHaveSecretIn(entry)) continue;
      const stored = before?.stored.get(entry);
      if (before?.isSealed === true && stored !== undefined && before.opened.get(entry) === text) {
        if (stored !== text) changed.set(entry, stored);
        continue;
      }
      const [next, isEntrySealed] = await this.#sealed(entry, text, before);
      isSealed &&= isEntrySealed;
      if (next !== text) changed.set(entry, next);
      await turns.give();
    }
    return { stored: withThose(entries, changed), isSealed };
  }

  async opened(stored: Entries, before: StoredEntries | undefined): Promise<Entries> {
    const opened = new Map<string, string>();
    const turns = new Turns();
    let key: TextKey | undefined;
    for (const [entry, text] of stored) {
      if (!text.includes(SEALED)) continue;
      const known = before?.stored.get(entry) === text ? before.opened.get(entry) : undefined;
      if (known === undefined) key ??= await this.#keys.tryTextKey();
      opened.set(entry, known ?? this.#opened(entry, text, key));
      await turns.give();
    }
    return withThose(stored, opened);
  }

  async assume(stored: Entries, entries: Entries): Promise<boolean> {
    let isAssumed = false;
    let key: TextKey | undefined;
    for (const [entry, text] of stored) {
      const other = text.includes(SEALED) ? entries.get(entry) : undefined;
      if (other === undefined) continue;
      key ??= await this.#keys.tryTextKey();
      const others = secretsIn(entry, other);
      for (const [place, value] of secretsIn(entry, text)) {
        const taken = others.get(place);
        if (!isStored(value) || taken === undefined) continue;
        if (openedWith(key, placeOf(entry, place), value) !== undefined) continue;
        this.#assumed.set(standInOf(value, key), taken);
        isAssumed = true;
      }
    }
    return isAssumed;
  }

  async canReopen(): Promise<boolean> {
    if (this.#unopened.size === 0 || (await this.#keys.tryTextKey()) === undefined) return false;
    this.#unopened.clear();
    this.#assumed.clear();
    return true;
  }

  /** Returns the entry as it is to be stored, and whether all of its secrets are sealed. */
  async #sealed(
    entry: string,
    text: string,
    before: StoredEntries | undefined,
  ): Promise<readonly [text: string, isSealed: boolean]> {
    const secrets = secretsIn(entry, text);
    if (secrets.size === 0) return [text, true];
    const storedBefore = secretsIn(entry, before?.stored.get(entry));
    const openedBefore = secretsIn(entry, before?.opened.get(entry));
    const next = new Map<string, unknown>();
    const unsealed = new Map<string, unknown>();
    for (const [place, value] of secrets) {
      const kept = openedBefore.get(place) === value ? storedBefore.get(place) : undefined;
      const stored = isStored(kept) ? kept : this.#unopenedSecret(entry, place, value);
      if (stored === undefined) unsealed.set(place, value);
      else next.set(place, stored);
    }
    let isSealed = true;
    if (unsealed.size > 0) {
      const isOld = unsealed.entries().every(([place, value]) => storedBefore.get(place) === value);
      const key = await this.#keys.textKey().catch((error: unknown) => {
        if (!isOld || !(error instanceof DirectorError)) throw error;
        isSealed = false;
      });
      for (const [place, value] of unsealed) {
        next.set(place, key === undefined ? value : sealedWith(key, placeOf(entry, place), value));
      }
    }
    return [withSecrets(entry, text, (place) => next.get(place)), isSealed];
  }

  /** Returns the secret that a text stands for. Throws `document-invalid` if it stands for none of the store. */
  #unopenedSecret(entry: string, place: string, value: unknown): Stored | undefined {
    if (!isUnopenedSecret(value)) return undefined;
    const stored = this.#unopened.get(value);
    if (stored !== undefined) return stored;
    const message = "This stands for a secret that the store does not have.";
    const path = pathOf(...placeOf(entry, place));
    const problems = [problemOf("unknown-fingerprint", path, message)];
    throw new DirectorError("document-invalid", undefined, { problems });
  }

  #opened(entry: string, text: string, key: TextKey | undefined): string {
    return withSecrets(entry, text, (place, value) => {
      if (!isStored(value)) return value;
      const opened = openedWith(key, placeOf(entry, place), value);
      if (opened !== undefined) return JSON.parse(opened) as unknown;
      const standIn = standInOf(value, key);
      this.#unopened.set(standIn, value);
      return this.#assumed.get(standIn) ?? standIn;
    });
  }
}

const isStored = (value: unknown): value is Stored =>
  isJsonMap(value) && isSealedText(value["sealed"]);

const sealedWith = (key: TextKey, place: Keys, value: unknown): Stored => ({
  sealed: key.seal(place, JSON.stringify(value)),
});

const openedWith = (
  key: TextKey | undefined,
  place: Keys,
  { sealed }: Stored,
): string | undefined => key?.tryOpen(place, sealed);

const standInOf = (stored: Stored, key: TextKey | undefined): string =>
  unopenedSecretOf(
    key === undefined ? "locked" : "damaged",
    valueHashOf(canonicalJson(stored as unknown as Json)),
  );

const placeOf = (entry: string, place: string): Keys => [
  ...keysOfEntry(entry),
  ...(JSON.parse(place) as Keys),
];

const SCHEMA: TSchema = DocumentSchema;

/** Whether an entry of this kind can have secrets, by the first word of its key. */
const KINDS = new Map<string, boolean>();

function mayHaveSecretIn(entry: string): boolean {
  const kind = entry.slice(0, entry.indexOf("/"));
  let may = KINDS.get(kind);
  if (may === undefined) {
    may = schemasAt(SCHEMA, keysOfEntry(entry)).some(mayHaveSecret);
    KINDS.set(kind, may);
  }
  return may;
}

function secretsIn(entry: string, text: string | undefined): Secrets {
  const found = new Map<string, unknown>();
  if (text === undefined || !mayHaveSecretIn(entry)) return found;
  mapSecrets(entry, JSON.parse(text), (place, value) => {
    found.set(place, value);
    return value;
  });
  return found;
}

const withSecrets = (
  entry: string,
  text: string,
  replace: (place: string, value: unknown) => unknown,
): string => canonicalJson(mapSecrets(entry, JSON.parse(text), replace) as Json);

function mapSecrets(
  entry: string,
  part: unknown,
  replace: (place: string, value: unknown) => unknown,
): unknown {
  const keys = keysOfEntry(entry);
  const replaceSecret = ({ mark, value, keys: place }: MarkedValue): unknown =>
    mark === "secret" && value !== undefined
      ? replace(JSON.stringify(place.slice(keys.length)), value)
      : value;
  return schemasAt(SCHEMA, keys).reduce<unknown>(
    (rest, schema) => mapMarked(schema, rest, replaceSecret, keys),
    part,
  );
}

function withThose(entries: Entries, changed: Entries): Entries {
  if (changed.size === 0) return entries;
  const all = new Map(entries);
  for (const [entry, text] of changed) all.set(entry, text);
  return all;
}
