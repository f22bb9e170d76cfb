import { DocumentSchema, type DirectorSettings } from "#model/document/document.ts";
import type { PathChange } from "#model/document/path-change.ts";
import { resourceOf, type ResourceKind } from "#model/document/resources.ts";
import { redact, redactChanges, type FingerprintOf } from "#model/document/secrets.ts";
import {
  effectiveOf,
  inSchemaOrder,
  orderedBy,
  type WrittenDocument,
} from "#model/document/written-document.ts";
import type { JsonMap } from "#model/json.ts";
import { Remembered } from "#model/remembered.ts";
import { tagOfValue, type EntityTag } from "./entity-tags.ts";
import { KINDS } from "./resource-kinds.ts";

/** A resource as it is shown, and its entity tag. */
export interface ShownResource {
  readonly value: JsonMap;
  readonly tag: EntityTag;
}

/** Shows documents in replies: with keys in the order of the schema, and with fingerprints in place of secrets. */
export class ShownDocument {
  readonly #fingerprintOf: FingerprintOf;
  readonly #settings: DirectorSettings;
  /** Documents are immutable, and the one in force is shown often. */
  readonly #shown = new WeakMap<WrittenDocument, WrittenDocument>();
  readonly #effective = new WeakMap<WrittenDocument, WrittenDocument>();
  /** A list is read often, and most of its resources are those of the document before. */
  readonly #resources = new Map<ResourceKind, Remembered<JsonMap, ShownResource>>();

  constructor(fingerprintOf: FingerprintOf, settings: DirectorSettings) {
    this.#fingerprintOf = fingerprintOf;
    this.#settings = settings;
  }

  /** The document as written. */
  of(document: WrittenDocument): WrittenDocument {
    const known = this.#shown.get(document);
    if (known !== undefined) return known;
    const redacted = redact(DocumentSchema, document, this.#fingerprintOf) as WrittenDocument;
    const shown = inSchemaOrder(redacted);
    this.#shown.set(document, shown);
    return shown;
  }

  /** The document with defaults, without the settings under `director`. */
  effective(document: WrittenDocument): WrittenDocument {
    const known = this.#effective.get(document);
    if (known !== undefined) return known;
    const { director: _, ...effective } = effectiveOf(this.of(document), this.#settings);
    this.#effective.set(document, effective);
    return effective;
  }

  /** Returns undefined if the document has no such resource. */
  resource(document: WrittenDocument, kind: ResourceKind, name: string): ShownResource | undefined {
    const value = resourceOf(document, kind, name);
    return value && this.shownResource(value, kind);
  }

  /** Shows one resource without the rest of the document, which may be large. */
  shownResource(written: JsonMap, kind: ResourceKind): ShownResource {
    let known = this.#resources.get(kind);
    if (known === undefined) {
      known = new Remembered((value) => this.#showResource(value, kind));
      this.#resources.set(kind, known);
    }
    return known.of(written);
  }

  #showResource(written: JsonMap, kind: ResourceKind): ShownResource {
    const { schema } = KINDS[kind];
    const redacted = redact(schema, written, this.#fingerprintOf) as JsonMap;
    const value = orderedBy(schema, redacted) as JsonMap;
    return { value, tag: tagOfValue(value) };
  }

  changes(changes: readonly PathChange[]): readonly PathChange[] {
    return redactChanges(DocumentSchema, changes, this.#fingerprintOf);
  }
}
