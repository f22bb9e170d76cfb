/** A store with sealed keys, as an inventory of certificates would keep them. */
import { SealedKeys, type KeyToSeal } from "#control/sealing/sealed-keys.ts";
import type { KeyPlaces } from "#control/sealing/key-places.ts";
import { MasterKeys } from "#control/sealing/master-keys.ts";
import type { KeyIdentity, SealedKey } from "#control/sealing/seal-key.ts";
import type { Notice } from "#control/notice.ts";
import { EntryTrees } from "#control/state/entry-trees.ts";
import { SqliteStore } from "#control/state/sqlite/sqlite-store.ts";
import type { Head, Store } from "#control/state/store.ts";
import { closeAtTestEnd } from "./lifetime.ts";

const LINE = "test-inventory";

export class SealedStore {
  readonly store: Store;
  readonly keys: SealedKeys;
  /** The events of the notices that stand. */
  readonly notices = new Map<string, string>();
  readonly #trees: EntryTrees;

  private constructor(store: Store, masterKeys: MasterKeys) {
    this.store = store;
    this.#trees = new EntryTrees(store);
    const notices = {
      raise: ({ event, text }: Notice) => void this.notices.set(event, text),
      clear: (event: string) => void this.notices.delete(event),
    };
    this.keys = new SealedKeys({ store, program: "0.2.0", masterKeys, notices });
  }

  static async on(store: Store, places: KeyPlaces): Promise<SealedStore> {
    const opened = new SealedStore(store, await MasterKeys.read(places));
    await opened.keys.start();
    return opened;
  }

  /** Opens `state.db` in a data folder. It is closed at the end of the test, if not before. */
  static async in(folder: string, places: KeyPlaces): Promise<SealedStore> {
    const handlers = { onTrouble: () => undefined, onSound: () => undefined };
    const paths = { folder, runtimeFolder: folder };
    const store = new SqliteStore({ ...paths, program: "0.2.0", ...handlers });
    closeAtTestEnd(() => store.close());
    return SealedStore.on(store, places);
  }

  /** Seals keys and saves them, by the names of their identities. */
  async seal(...add: readonly KeyToSeal[]): Promise<boolean> {
    return this.keys.save({ add }, async (sealed) => {
      const names = add.map(({ identity }) => identity.name);
      const entries = await this.sealed();
      for (const [at, one] of sealed.entries()) entries.set(names[at] ?? "", one);
      return [await this.#headWith(entries)];
    });
  }

  async remove(name: string): Promise<boolean> {
    const entries = await this.sealed();
    const removed = entries.get(name);
    entries.delete(name);
    const removeDataKeys = removed === undefined ? [] : [removed.dataKey];
    return this.keys.save({ add: [], removeDataKeys }, async () => [await this.#headWith(entries)]);
  }

  async open(identity: KeyIdentity): Promise<string> {
    return this.keys.open(identity, (await this.sealed()).get(identity.name));
  }

  async sealed(): Promise<Map<string, SealedKey>> {
    const head = await this.store.head(LINE);
    const root = head?.roots["test"];
    if (root === undefined) return new Map();
    const { texts } = await this.#trees.read(root);
    return new Map([...texts].map(([name, text]) => [name, JSON.parse(text) as SealedKey]));
  }

  async #headWith(entries: ReadonlyMap<string, SealedKey>): Promise<Head> {
    const parent = (await this.store.head(LINE))?.number ?? 0;
    const texts = new Map([...entries].map(([name, one]) => [name, JSON.stringify(one)]));
    const { root } = await this.#trees.write(texts);
    const facts = { at: new Date().toISOString(), schema: 1, writtenBy: "0.2.0", note: {} };
    return { line: LINE, number: parent + 1, parent, roots: { test: root }, ...facts };
  }
}

export const identityOf = (name: string): KeyIdentity => ({
  ...{ kind: "tls", name, version: "1" },
  spkiSha256: "p".repeat(43),
});

export const filesOf = (current: string, previous?: string): KeyPlaces => ({
  current: { kind: "file", path: current },
  previous: previous === undefined ? undefined : { kind: "file", path: previous },
});
