import { Surroundings } from "../traced.ts";
import type { Document } from "./document.ts";

type More = Readonly<Record<string, ReadonlyMap<unknown, unknown>>>;

/** A document, and more maps, that functions about one of its parts read. */
export interface DocumentSurroundings<Maps extends More> {
  readonly surroundings: Surroundings<Document & Maps>;
  /** Reads the document so that what is looked up is noted. */
  readonly document: Document;
  readonly more: Maps;
}

export function surroundingsOf<Maps extends More>(
  document: Document,
  more: Maps,
): DocumentSurroundings<Maps> {
  const surroundings = new Surroundings<Document & Maps>({ ...document, ...more });
  const { seen } = surroundings;
  return { surroundings, document: seen, more: seen };
}
