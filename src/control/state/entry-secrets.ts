/** Texts of the entries of a document, by their keys. */
export type Entries = ReadonlyMap<string, string>;

/** Entries as they are stored and as they are used. */
export interface StoredEntries {
  readonly stored: Entries;
  readonly opened: Entries;
  /** False if an earlier version has stored secrets that are not sealed. */
  readonly isSealed: boolean;
}

export type SealedEntries = Pick<StoredEntries, "stored" | "isSealed">;

/** Seals the secrets in the entries of documents. */
export interface EntrySecrets {
  /**
   * Resolves to entries as they are to be stored. A secret that is the same as in `before` stays as it is stored there, so that a change
   * writes what it touches. Rejects with `master-key-wrong` or `file-unwritable` if there is a new secret and no master key. If there
   * is no new one, secrets that are not sealed stay so.
   */
  sealed(entries: Entries, before: StoredEntries | undefined): Promise<SealedEntries>;
  /**
   * Resolves to entries as they are used. In place of a secret that cannot be opened, they have what `unopenedSecretOf` returns, which
   * `sealed` turns back into the secret. `before` is probably similar.
   */
  opened(stored: Entries, before: StoredEntries | undefined): Promise<Entries>;
  /**
   * Takes secrets of `stored` that cannot be opened for those in the same places of `entries`, from then on. Resolves to whether
   * there are any.
   */
  assume(stored: Entries, entries: Entries): Promise<boolean>;
  /** Resolves to whether there were secrets that could not be opened, and `opened` can probably open them now. */
  canReopen(): Promise<boolean>;
}
