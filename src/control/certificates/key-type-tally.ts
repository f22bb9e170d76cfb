import type { KeyType } from "#model/document/certificate.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import type { ListenerName } from "#model/names.ts";
import { problemOf } from "#model/problem.ts";
import { clientTlsUsesOf } from "../client-tls-uses.ts";
import { controlModeOf } from "../control-mode.ts";
import { servableKeyTypes } from "./check-usage.ts";
import { refusedEntry, type SourceEntry } from "./source-entry.ts";
import type { CertificateVersion, SourceVersion } from "./sources.ts";

type Certificates = Pick<ReadonlyMap<string, CertificateVersion>, "get">;

/** The key types of the certificates that one listener uses with one policy. */
interface Tally {
  readonly name: ListenerName;
  readonly policy: string;
  readonly servable: ReadonlySet<KeyType>;
  readonly counts: Map<KeyType, number>;
}

/**
 * The key types of the certificates that the listeners of a document use, while versions are replaced one after the other.
 * Each replacement is compared with those before it, because two renewals that are good separately can leave a listener
 * without any certificate that its policy has a cipher suite for.
 */
export class KeyTypeTally {
  readonly #versions = new Map<string, CertificateVersion>();
  readonly #certificates: Certificates;
  readonly #document: Document;
  #tallies: ReadonlyMap<string, readonly Tally[]> | undefined;

  /** `certificates` are the versions before the replacements. */
  constructor(document: Document, certificates: Certificates) {
    this.#document = document;
    this.#certificates = certificates;
  }

  /**
   * Returns `after`, or `before` with the reason if its new version would make a working listener unusable. Entries of CA
   * bundles are returned as they are.
   */
  judge<Version extends SourceVersion>(
    before: SourceEntry<Version>,
    after: SourceEntry<Version>,
  ): SourceEntry<Version> {
    const { version, source } = after;
    if (version?.material.kind !== "certificate" || version.id === before.version?.id) return after;
    const problem = this.#tryReplace(source.key, source.place, version as CertificateVersion);
    return problem === undefined ? after : refusedEntry(before, after.looks, problem);
  }

  #tryReplace(name: string, place: string, next: CertificateVersion): Problem | undefined {
    const previous = this.#versions.get(name) ?? this.#certificates.get(name);
    if (previous?.facts.keyType === next.facts.keyType) return undefined;
    this.#tallies ??= this.#count();
    const tallies = this.#tallies.get(name) ?? [];
    const working = tallies.filter(isWorking);
    for (const { counts } of tallies) move(counts, previous?.facts.keyType, next.facts.keyType);
    const broken = working.find((tally) => !isWorking(tally));
    if (broken === undefined) {
      this.#versions.set(name, next);
      return undefined;
    }
    for (const { counts } of tallies) move(counts, next.facts.keyType, previous?.facts.keyType);
    const { keyType } = next.facts;
    const message = `The new certificate has a key of type ${keyType}. No TLS 1.2 cipher suite of policy ${broken.policy} would work with the certificates of listener ${broken.name}.`;
    return problemOf("suite-without-key-type", place, message);
  }

  #count(): ReadonlyMap<string, readonly Tally[]> {
    const byName = new Map<string, Tally[]>();
    for (const { name: listenerName, listener } of listenersOf(this.#document)) {
      const tls = controlModeOf(listener).clientTlsOf(listener);
      if (tls === undefined) continue;
      for (const { policy, certificates } of clientTlsUsesOf(tls)) {
        const servable = servableKeyTypes(this.#document, policy);
        if (servable === undefined) continue;
        const tally: Tally = { name: listenerName, policy, servable, counts: new Map() };
        for (const name of certificates) {
          move(tally.counts, undefined, this.#certificates.get(name)?.facts.keyType);
          const tallies = byName.get(name);
          if (tallies === undefined) byName.set(name, [tally]);
          else tallies.push(tally);
        }
      }
    }
    return byName;
  }
}

const isWorking = ({ servable, counts }: Tally): boolean =>
  [...counts].some(([keyType, count]) => count > 0 && servable.has(keyType));

function move(
  counts: Map<KeyType, number>,
  from: KeyType | undefined,
  to: KeyType | undefined,
): void {
  if (from !== undefined) counts.set(from, (counts.get(from) ?? 0) - 1);
  if (to !== undefined) counts.set(to, (counts.get(to) ?? 0) + 1);
}
