import { DirectorError } from "#model/failure.ts";
import { textOfPlace, type KeyPlace, type KeyPlaces } from "./key-places.ts";
import { makeMasterKey } from "./make-master-key.ts";
import type { MasterKey } from "./master-key.ts";
import { readMasterKey, type KeyReading, type OpenedFiles } from "./read-master-key.ts";

/** A place, and what was found there. */
interface Found {
  readonly place: KeyPlace;
  readonly reading: KeyReading;
}

/** The master keys that were found at their places. */
export class MasterKeys {
  readonly #previous: Found | undefined;
  #current: Found;

  private constructor(current: Found, previous: Found | undefined) {
    this.#current = current;
    this.#previous = previous;
  }

  static async read(places: KeyPlaces, opened?: OpenedFiles): Promise<MasterKeys> {
    const find = async (place: KeyPlace): Promise<Found> => ({
      place,
      reading: await readMasterKey(place, opened),
    });
    const current = await find(places.current);
    const { previous } = places;
    if (previous === undefined) return new MasterKeys(current, undefined);
    // A descriptor that was opened for a place can be read once.
    const isSame = textOfPlace(previous) === textOfPlace(places.current);
    return new MasterKeys(current, isSame ? current : await find(previous));
  }

  /** Reads other places. What was read before counts where a place is the same and cannot be read any more. */
  async readAgain(places: KeyPlaces): Promise<MasterKeys> {
    const next = await MasterKeys.read(places);
    return new MasterKeys(
      this.#knownOr(next.#current),
      next.#previous && this.#knownOr(next.#previous),
    );
  }

  get current(): MasterKey | undefined {
    return keyOf(this.#current);
  }

  /** The place of the current key in words. */
  get place(): string {
    return textOfPlace(this.#current.place);
  }

  /** Whether `make` may work: the current key is to be in a file, which does not exist. */
  get mayMake(): boolean {
    return this.#current.reading.kind === "absent";
  }

  tryKey(id: string): MasterKey | undefined {
    return [this.current, keyOf(this.#previous)].find((key) => key?.id === id);
  }

  /**
   * Makes the current key, unless a key was put into the file meanwhile. Rejects with `file-unwritable`, or with
   * `master-key-wrong` if what was put there cannot be used.
   */
  async make(): Promise<{ readonly key: MasterKey; readonly isMade: boolean }> {
    const { place } = this.#current;
    const reading = await readMasterKey(place);
    if (reading.kind === "unusable") throw new DirectorError("master-key-wrong", reading.reason);
    if (reading.kind === "key") {
      this.#current = { place, reading };
      return { key: reading.key, isMade: false };
    }
    const key = await makeMasterKey(reading.path);
    this.#current = { place, reading: { kind: "key", key } };
    return { key, isMade: true };
  }

  /** Returns why the key with this id, or any current key if it is undefined, is not there. */
  failure(id?: string): DirectorError {
    return new DirectorError("master-key-wrong", this.#reasonFor(id));
  }

  #reasonFor(id: string | undefined): string {
    const { reading } = this.#current;
    if (reading.kind === "unusable") return reading.reason;
    if (reading.kind === "absent") return `There is no file ${reading.path}.`;
    return `The key in ${this.place} is ${reading.key.id}. The keys of the store were sealed with ${id ?? "another one"}.`;
  }

  #knownOr(found: Found): Found {
    if (found.reading.kind === "key") return found;
    const text = JSON.stringify(found.place);
    const known = [this.#current, this.#previous].find(
      (one) => one?.reading.kind === "key" && JSON.stringify(one.place) === text,
    );
    // A file that is gone is not the place of a key any more.
    return found.reading.kind === "unusable" && known !== undefined ? known : found;
  }
}

const keyOf = (found: Found | undefined): MasterKey | undefined =>
  found?.reading.kind === "key" ? found.reading.key : undefined;
