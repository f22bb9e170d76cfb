import { DirectorError } from "#model/failure.ts";
import type { Notice } from "../notice.ts";
import type { Head, Store } from "../state/store.ts";
import { DataKeyLine, rewrapAll, tryWrappedOf, type DataKeys } from "./data-keys.ts";
import type { KeyPlaces } from "./key-places.ts";
import type { MasterKey } from "./master-key.ts";
import type { MasterKeys } from "./master-keys.ts";
import {
  isSealedKey,
  sealKey,
  textOfWrapped,
  tryOpenKey,
  tryUnwrap,
  wrapDataKey,
  type KeyIdentity,
  type SealedKey,
  type Sealing,
  type WrappedKey,
} from "./seal-key.ts";
import { newTextDataKey, TextKey } from "./text-key.ts";

/** The id of the data key of all sealed texts. Those of private keys are UUIDs. */
const TEXT_DATA_KEY = "texts";

/** The events of the notices about the master key. */
export const MASTER_KEY_MADE = "master-key-made";
const MASTER_KEY_WRONG = "master-key-wrong";
const MASTER_KEY_CHANGE_UNFINISHED = "master-key-change-unfinished";

/** A private key that is to be sealed. */
export interface KeyToSeal {
  readonly identity: KeyIdentity;
  /** A private key in PEM without a passphrase. At most 64 KiB. */
  readonly keyPem: string;
}

export interface SealChange {
  readonly add: readonly KeyToSeal[];
  /** The ids of the data keys of sealed keys that no head will refer to. Nothing can open those sealed keys any more. */
  readonly removeDataKeys?: readonly string[];
}

/** What opens a sealed key. */
interface Lock {
  readonly masterKey: MasterKey;
  readonly storeId: string;
  readonly wrapped: WrappedKey;
}

/** What came of a change of the master key. */
export interface MasterKeyChange {
  /** The check value of the master key in use. */
  readonly id: string;
  /** Where it is, in words. */
  readonly place: string;
  readonly isMade: boolean;
  /** How many data keys were wrapped anew. It is 0 if the master key was in use before. */
  readonly rewrapped: number;
  /** How many data keys cannot be opened with the master key before. They stay as they are. */
  readonly damaged: number;
}

export interface SealedKeysParts {
  readonly store: Store;
  /** Version of the program. */
  readonly program: string;
  readonly masterKeys: MasterKeys;
  readonly notices: {
    raise(notice: Notice): void;
    clear(event: string): void;
  };
}

/**
 * Seals private keys, each with a data key of its own, and opens them. Where the sealed keys are kept is the caller's decision; the
 * data keys, wrapped with the master key, are in the store. The master key is made when the first key is sealed. Methods reject
 * with DirectorError: `master-key-wrong` if the master key is missing or not the one that the keys were sealed with, and what the
 * store rejects with.
 */
export class SealedKeys {
  readonly #parts: SealedKeysParts;
  readonly #line: DataKeyLine;
  #masterKeys: MasterKeys;
  #lastTurn: Promise<unknown> = Promise.resolve();
  /** The data key of texts, if the store has none yet. */
  readonly #newDataKey = newTextDataKey();
  readonly #newTextKey = new TextKey(Buffer.from(this.#newDataKey));
  /** The key of texts that the store has, and the data key from which it was opened. */
  #textKey: { readonly wrapped: string; readonly key: TextKey } | undefined;

  constructor(parts: SealedKeysParts) {
    this.#parts = parts;
    this.#line = new DataKeyLine(parts.store, parts.program);
    this.#masterKeys = parts.masterKeys;
  }

  /** Whether the master key is there with which the keys are sealed, as far as is known. True if none is sealed. */
  get canOpen(): boolean {
    const id = this.#line.known?.masterKeyId;
    return id === undefined || this.#masterKeys.tryKey(id) !== undefined;
  }

  /** Raises the notices about the master key. Never rejects: a store that cannot be read is read again when it is needed. */
  async start(): Promise<void> {
    await this.tryTextKey().catch(() => undefined);
  }

  /**
   * Seals keys, and saves their data keys in one transaction with the heads that `headsWith` makes of the sealed keys, which are in
   * the order of `change.add`. Resolves to false if the state has changed meanwhile, and nothing is saved then.
   */
  save(
    { add, removeDataKeys = [] }: SealChange,
    headsWith: (sealed: readonly SealedKey[]) => Promise<readonly Head[]>,
  ): Promise<boolean> {
    return this.#inTurn(async () => {
      const dataKeys = await this.#read();
      // Keys can be removed without a master key.
      const masterKey = add.length === 0 ? undefined : await this.#keyToSealWith(dataKeys);
      const sealings = masterKey === undefined ? [] : sealAll(masterKey, dataKeys.storeId, add);
      const wrapped = new Map(dataKeys.wrapped);
      for (const id of removeDataKeys) wrapped.delete(id);
      for (const { sealed, wrapped: key } of sealings) {
        wrapped.set(sealed.dataKey, textOfWrapped(key));
      }
      const others = await headsWith(sealings.map(({ sealed }) => sealed));
      const isSaved = await this.#line.replace(dataKeys, masterKey, wrapped, others);
      this.#tell();
      return isSaved;
    });
  }

  /**
   * Resolves to a private key in PEM. Rejects with `sealed-key-damaged` if `sealed` is not what was sealed under this identity in
   * this store, or if its data key was removed.
   */
  async open(identity: KeyIdentity, sealed: unknown): Promise<string> {
    if (!isSealedKey(sealed)) throw damaged(identity);
    const known = this.#line.known;
    const dataKeys =
      known?.wrapped.has(sealed.dataKey) === true ? known : await this.#inTurn(() => this.#read());
    const wrapped = tryWrappedOf(dataKeys, sealed.dataKey);
    if (wrapped === undefined) throw damaged(identity);
    const masterKey = this.#keyOf(dataKeys);
    return openedWith({ masterKey, storeId: dataKeys.storeId, wrapped }, identity, sealed);
  }

  /**
   * Returns a function that opens a key at once, and throws in place of rejecting. It works also when the state has been replaced or the
   * version removed, because a worker may still need the key.
   */
  hold(identity: KeyIdentity, sealed: SealedKey): () => string {
    const held = this.#tryLockOf(sealed);
    return () => {
      const lock = this.#tryLockOf(sealed) ?? held;
      if (lock === undefined) throw damaged(identity);
      return openedWith(lock, identity, sealed);
    };
  }

  /**
   * Resolves to the key that seals texts. It is made, with the master key if there is none, and saved if the store has none. Rejects also
   * with `file-unwritable` if the master key cannot be made.
   */
  textKey(): Promise<TextKey> {
    return this.#inTurn(async () => {
      const dataKeys = await this.#read();
      if (dataKeys.wrapped.has(TEXT_DATA_KEY)) return this.#openTextKey(dataKeys);
      const masterKey = await this.#keyToSealWith(dataKeys);
      const key = wrapDataKey(masterKey, dataKeys.storeId, TEXT_DATA_KEY, this.#newDataKey);
      const wrapped = new Map(dataKeys.wrapped).set(TEXT_DATA_KEY, textOfWrapped(key));
      const isSaved = await this.#line.replace(dataKeys, masterKey, wrapped);
      this.#tell();
      if (!isSaved) throw new DirectorError("revision-conflict");
      return this.#openTextKey(await this.#read());
    });
  }

  /** Resolves to the key with which texts were sealed, or to undefined if it cannot be opened or no text was sealed. */
  tryTextKey(): Promise<TextKey | undefined> {
    return this.#inTurn(async () => {
      const dataKeys = await this.#read();
      try {
        return dataKeys.wrapped.has(TEXT_DATA_KEY) ? this.#openTextKey(dataKeys) : undefined;
      } catch (error) {
        if (error instanceof DirectorError) return undefined;
        throw error;
      }
    });
  }

  /**
   * The key of fingerprints, which belongs to the key of texts, so that a fingerprint means the same after a start. If the store has
   * none that can be opened, the key is the one of the next text that is sealed.
   */
  get fingerprintKey(): Buffer {
    return (this.#textKey?.key ?? this.#newTextKey).fingerprintKey;
  }

  /**
   * Changes to the master key at `places.current`, which is made if its file does not exist. If keys are sealed, the one that they
   * are sealed with must be at `places.previous`: a start after a kill finds both, and uses the one that the store names.
   */
  async changeMasterKey(places: KeyPlaces): Promise<MasterKeyChange> {
    // A command may take seconds. Changes that seal keys do not wait for it.
    const masterKeys = await this.#masterKeys.readAgain(places);
    return this.#inTurn(async () => {
      const dataKeys = await this.#read();
      const { masterKeyId } = dataKeys;
      const before = masterKeyId === undefined ? undefined : masterKeys.tryKey(masterKeyId);
      if (masterKeyId !== undefined && before === undefined) throw notPrevious(masterKeyId);
      const { key: after, isMade } = masterKeys.mayMake
        ? await this.#make(masterKeys)
        : { key: masterKeys.current, isMade: false };
      if (after === undefined) throw masterKeys.failure();
      const outcome = { id: after.id, place: masterKeys.place, isMade };
      if (before === undefined || before.id === after.id) {
        this.#masterKeys = masterKeys;
        this.#tell();
        return { ...outcome, rewrapped: 0, damaged: 0 };
      }
      const rewrapped = await rewrapAll(dataKeys, before, after);
      // If the outcome of the transaction is unknown, one of both keys is the right one.
      this.#masterKeys = masterKeys;
      const isChanged = await this.#line.replace(dataKeys, after, rewrapped.wrapped);
      this.#tell();
      if (!isChanged) throw new DirectorError("revision-conflict");
      const count = rewrapped.wrapped.size - rewrapped.damaged;
      return { ...outcome, rewrapped: count, damaged: rewrapped.damaged };
    });
  }

  async #read(): Promise<DataKeys> {
    const dataKeys = await this.#line.read();
    this.#tell();
    return dataKeys;
  }

  #keyOf({ masterKeyId }: DataKeys): MasterKey {
    const key =
      masterKeyId === undefined ? this.#masterKeys.current : this.#masterKeys.tryKey(masterKeyId);
    if (key === undefined) throw this.#masterKeys.failure(masterKeyId);
    return key;
  }

  /** Returns undefined if the data key or its master key is not known. */
  #tryLockOf({ dataKey }: SealedKey): Lock | undefined {
    const dataKeys = this.#line.known;
    const wrapped = dataKeys && tryWrappedOf(dataKeys, dataKey);
    const id = dataKeys?.masterKeyId;
    const masterKey = id === undefined ? undefined : this.#masterKeys.tryKey(id);
    return dataKeys === undefined || wrapped === undefined || masterKey === undefined
      ? undefined
      : { masterKey, storeId: dataKeys.storeId, wrapped };
  }

  /** Throws `master-key-wrong` and `sealed-key-damaged`. */
  #openTextKey(dataKeys: DataKeys): TextKey {
    const masterKey = this.#keyOf(dataKeys);
    const wrapped = dataKeys.wrapped.get(TEXT_DATA_KEY) ?? "";
    if (this.#textKey?.wrapped === wrapped) return this.#textKey.key;
    const parsed = tryWrappedOf(dataKeys, TEXT_DATA_KEY);
    const dataKey = parsed && tryUnwrap(masterKey, dataKeys.storeId, TEXT_DATA_KEY, parsed);
    if (dataKey === undefined) throw new DirectorError("sealed-key-damaged", "The key of texts.");
    this.#textKey = { wrapped, key: new TextKey(dataKey) };
    return this.#textKey.key;
  }

  async #keyToSealWith(dataKeys: DataKeys): Promise<MasterKey> {
    const mayMake = dataKeys.masterKeyId === undefined && this.#masterKeys.mayMake;
    return mayMake ? (await this.#make(this.#masterKeys)).key : this.#keyOf(dataKeys);
  }

  async #make(masterKeys: MasterKeys): ReturnType<MasterKeys["make"]> {
    const made = await masterKeys.make();
    if (!made.isMade) return made;
    this.#parts.notices.raise({
      event: MASTER_KEY_MADE,
      text:
        `A master key was made in ${masterKeys.place}. Back it up, but not together with the data folder. ` +
        "Without it, nobody can open the private keys and passphrases that the director keeps.",
    });
    return made;
  }

  /** Raises or clears the notices that follow from the data keys and the master keys. */
  #tell(): void {
    const { notices } = this.#parts;
    const id = this.#line.known?.masterKeyId;
    const key = id === undefined ? undefined : this.#masterKeys.tryKey(id);
    if (id === undefined || key !== undefined) notices.clear(MASTER_KEY_WRONG);
    else {
      const reason = this.#masterKeys.failure(id).detail ?? "";
      const text = `The private keys and passphrases that the director keeps cannot be opened; everything else is served. ${reason}`;
      notices.raise({ event: MASTER_KEY_WRONG, text });
    }
    if (key === undefined || key.id === this.#masterKeys.current?.id) {
      notices.clear(MASTER_KEY_CHANGE_UNFINISHED);
    } else {
      const text =
        "Private keys and passphrases are still sealed with director.previousMasterKey. " +
        "`tlsd set master-key` changes them to director.masterKey.";
      notices.raise({ event: MASTER_KEY_CHANGE_UNFINISHED, text });
    }
  }

  /** One after the other, because each change is made from the one before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work, work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

const sealAll = (
  masterKey: MasterKey,
  storeId: string,
  keys: readonly KeyToSeal[],
): readonly Sealing[] =>
  keys.map(({ identity, keyPem }) => sealKey(masterKey, storeId, identity, keyPem));

function openedWith(lock: Lock, identity: KeyIdentity, sealed: SealedKey): string {
  const { masterKey, storeId, wrapped } = lock;
  const keyPem = tryOpenKey(masterKey, storeId, identity, { sealed, wrapped });
  if (keyPem === undefined) throw damaged(identity);
  return keyPem;
}

const damaged = ({ kind, name, version }: KeyIdentity): DirectorError =>
  new DirectorError("sealed-key-damaged", `The ${kind} key of ${name}, version ${version}.`);

const notPrevious = (id: string): DirectorError =>
  new DirectorError(
    "master-key-wrong",
    `The private keys are sealed with master key ${id}, which is neither in director.masterKey nor in ` +
      "director.previousMasterKey. Set director.previousMasterKey to the place where it is.",
  );
