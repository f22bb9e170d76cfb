/** What an import did with the parts of the files, beside using them as they are. */
export const IMPORT_NOTES = [
  "root-left-out",
  "duplicate-left-out",
  "unrelated-left-out",
  "key-left-out",
  "name-left-out",
  "chain-completed",
  "chain-sorted",
  "no-mac",
] as const;
export type ImportNoteKind = (typeof IMPORT_NOTES)[number];

export interface ImportNote {
  readonly kind: ImportNoteKind;
  /** A sentence. */
  readonly message: string;
}
