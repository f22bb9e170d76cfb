import { isDeepStrictEqual } from "node:util";
import type { Problem } from "#model/failure.ts";
import type { VersionChange } from "#model/records/certificate-version.ts";
import { HeldKey } from "../certificates/held-key.ts";
import type { CandidateVersion } from "../certificates/source-entry.ts";
import type { CertificateVersion } from "../certificates/sources.ts";
import type { NewKey } from "./inventory-change.ts";
import type { Inventory } from "./inventory.ts";
import {
  withActive,
  withoutVersion,
  withReplaced,
  withRequest,
  withVersion,
  type Origin,
  type StagedTerms,
} from "./plan-versions.ts";
import {
  activeOf,
  pendingOf,
  type CertificateRecord,
  type VersionRecord,
} from "./version-record.ts";

/** A version that a reader process has read. */
export interface ReadCandidate {
  readonly version: CertificateVersion;
  readonly warnings: readonly Problem[];
}

/** Collects what one change does to the inventory, so that it is saved, checked and told together. */
export class VersionDraft {
  readonly #inventory: Pick<Inventory, "record" | "looksOfVersion" | "hold">;
  readonly #records = new Map<string, CertificateRecord>();
  readonly #keys: NewKey[] = [];
  readonly #candidates = new Map<string, CandidateVersion>();
  readonly #changes: VersionChange[] = [];
  readonly warnings: Problem[] = [];

  constructor(inventory: Pick<Inventory, "record" | "looksOfVersion" | "hold">) {
    this.#inventory = inventory;
  }

  /** The versions that take the place of those in use. */
  get candidates(): ReadonlyMap<string, CandidateVersion> {
    return this.#candidates;
  }

  get changes(): readonly VersionChange[] {
    return this.#changes;
  }

  get change(): {
    readonly records: ReadonlyMap<string, CertificateRecord>;
    readonly keys: readonly NewKey[];
  } {
    return { records: this.#records, keys: this.#keys };
  }

  record(name: string): CertificateRecord {
    return this.#records.get(name) ?? this.#inventory.record(name);
  }

  /** Adds a version that is staged. */
  stage(
    name: string,
    read: ReadCandidate,
    origin: Origin,
    notes: readonly string[],
    terms: StagedTerms,
  ): VersionRecord {
    const { record, version } = withVersion(this.record(name), read.version, origin, terms);
    this.#records.set(name, record);
    if (version.sealedKey === undefined) {
      this.#keys.push({ name, version: version.id, key: read.version.material.key });
    }
    this.#changes.push(changeOf(name, version, notes));
    return version;
  }

  /** Changes when a staged version becomes active. */
  setTerms(name: string, version: VersionRecord, terms: StagedTerms): void {
    const { activatesItself: _, allowed: __, ...rest } = version;
    const next = { ...rest, ...terms };
    if (isDeepStrictEqual(next, version)) return;
    this.#records.set(name, withReplaced(this.record(name), next));
    this.#changes.push(changeOf(name, next, []));
  }

  request(
    name: string,
    request: { readonly request: string; readonly spki: string; readonly keyPem: string },
    origin: Origin,
  ): void {
    const { keyPem, ...rest } = request;
    const replaced = pendingOf(this.record(name));
    const { record, version } = withRequest(this.record(name), rest, origin);
    this.#records.set(name, record);
    this.#keys.push({ name, version: version.id, key: HeldKey.clear(keyPem) });
    if (replaced !== undefined) {
      this.#changes.push({ ...changeOf(name, replaced, []), state: "removed" });
    }
    this.#changes.push(changeOf(name, version, []));
  }

  /** Removes a version that is not active. Its key can never be opened again. */
  remove(name: string, version: VersionRecord): void {
    this.#records.set(name, withoutVersion(this.record(name), version.id));
    this.#changes.push({ ...changeOf(name, version, []), state: "removed" });
  }

  /** Makes a version active. `read` is what it holds. */
  activate(name: string, id: string, read: ReadCandidate, at: string, isForced = false): void {
    const before = activeOf(this.record(name));
    const record = withActive(this.record(name), id, at);
    this.#records.set(name, record);
    const looks = this.#inventory.looksOfVersion(id);
    this.#candidates.set(name, { ...read, looks, isForced });
    const version = activeOf(record);
    if (version !== undefined) this.#inventory.hold(read.version.material.key, name, version);
    const added = this.#changes.findIndex((one) => one.name === name);
    const notes = this.#changes[added]?.notes ?? [];
    if (added !== -1) this.#changes.splice(added, 1);
    if (version === undefined) return;
    const change = changeOf(name, version, notes);
    this.#changes.push(before === undefined ? change : { ...change, before: before.id });
  }
}

const changeOf = (
  name: string,
  { id, state, facts }: VersionRecord,
  notes: readonly string[],
): VersionChange => ({
  ...{ name, version: id, state, notes },
  ...(facts === undefined ? {} : { serialNumber: facts.serialNumber }),
});
