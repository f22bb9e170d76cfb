import { vnicsOf, vnicsOfProfile } from "#model/document/document-listeners.ts";
import { surroundingsOf } from "#model/document/document-surroundings.ts";
import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { Profile } from "#model/document/profile.ts";
import type { Qos } from "#model/document/qos.ts";
import { certificateNamesOf, sharedIdsOf } from "#model/records/mode-records.ts";
import type {
  Snapshot,
  SnapshotCertificate,
  SnapshotListener,
  SnapshotVnic,
} from "#model/records/snapshot.ts";
import { Traced } from "#model/traced.ts";
import { sizeBytesOf } from "#model/units.ts";
import type { CertificateVersion, HeldMaterial, Sources } from "./certificates/sources.ts";
import { compileListener } from "./compile-listener.ts";
import { shardsOf } from "./compile-names.ts";
import { materialOfListener, obstacleTo } from "./listener-material.ts";
import type { ListenerSources, TicketEpochs } from "./listener-owner.ts";
import { keysThatDiffer, withPatches } from "./patched-map.ts";

export interface CompileInput {
  readonly number: number;
  /** Must have been checked. */
  readonly document: Document;
  readonly sources: Sources;
  readonly ticketEpochs?: TicketEpochs;
  readonly workers: number;
  /** Returns how many connections a worker may have if it has that many listeners. */
  readonly connectionsPerWorker: (listeners: number) => number;
  /** The virtual IPs on which no listener is opened. */
  readonly absentIps?: Iterable<string>;
}

export interface Compiled {
  /** The snapshot of each worker, with one worker's share of the limits. */
  readonly snapshot: Snapshot;
  /** The certificates, CA bundles and entries by server name to which the snapshot refers. */
  readonly material: ReadonlyMap<MaterialId, HeldMaterial>;
}

/**
 * Compiles a document. A listener is left out if the files that it needs cannot be used. A certificate that cannot be used is
 * left out of the other listeners.
 */
export function compileSnapshot(input: CompileInput): Compiled {
  const { document, sources, workers, ticketEpochs = new Map() } = input;
  const listeners = compileListeners(document, sources, ticketEpochs);
  const snapshot: Snapshot = {
    number: input.number,
    listeners,
    certificates: certificatesOf(listeners, sources),
    vnics: vnicsOf(document).map(({ name, vnic }) => shareOf(name, vnic.qos, workers)),
    absentIps: [...(input.absentIps ?? [])],
    maxConnections: input.connectionsPerWorker(listeners.length),
    relayMemoryBytes: sizeBytesOf(document.director.relayMemory),
  };
  return { snapshot, material: materialOf(snapshot, sources) };
}

/** The listeners of a profile stay the same objects while nothing has changed that they are compiled from. */
const LISTENERS = new Traced<Profile, readonly SnapshotListener[]>();

function compileListeners(
  document: Document,
  sources: Sources,
  ticketEpochs: TicketEpochs,
): readonly SnapshotListener[] {
  const certificates = namesWithVersion(sources);
  const more = { certificates, trusts: sources.trusts, ticketEpochs };
  const around = surroundingsOf(document, more);
  const { document: seenDocument, more: seenMore } = around;
  const seen = { document: seenDocument, sources: seenMore, ticketEpochs: seenMore.ticketEpochs };
  return Object.entries(document.profiles).flatMap(([name, profile]) =>
    LISTENERS.of(profile, name, around.surroundings, () =>
      vnicsOfProfile(name, profile)
        .filter(({ vnic }) => vnic.admin === "up")
        .flatMap((owner) =>
          owner.vnic.listeners
            .filter((listener) => isServable(listener, seen.document, seen.sources))
            .map((listener) => compileListener(listener, { ...owner, ...seen })),
        ),
    ),
  );
}

/** Each name is its own value, so that it stays the same when the version changes. */
const namesWithVersion = ({ certificates }: Sources): ReadonlyMap<string, string> =>
  new Map(certificates.keys().map((name) => [name, name]));

const isServable = (listener: Listener, document: Document, sources: ListenerSources): boolean =>
  obstacleTo(materialOfListener(listener, document), sources) === undefined;

function certificatesOf(
  listeners: readonly SnapshotListener[],
  { certificates }: Sources,
): Snapshot["certificates"] {
  const bindings = new Map<CertificateName, SnapshotCertificate>();
  for (const listener of listeners) {
    for (const name of certificateNamesOf(listener)) {
      if (bindings.has(name)) continue;
      const version = certificates.get(name);
      if (version !== undefined) bindings.set(name, bindingOf(name, version));
    }
  }
  return bindings;
}

/** The state that a change starts from. */
type CompiledBefore = Pick<CompileInput, "document" | "sources"> & { readonly compiled: Compiled };

/**
 * Compiles a change that only replaces versions of certificates, from what was compiled before. Listeners are compiled from the names of
 * certificates, so they stay as they are. Returns undefined if the change is another one.
 */
export function tryRebind(
  before: CompiledBefore,
  { number, document, sources, absentIps = [] }: CompileInput,
): Compiled | undefined {
  const { snapshot, material } = before.compiled;
  const isSameRest = document === before.document && sources.trusts === before.sources.trusts;
  const changed = keysThatDiffer(before.sources.certificates, sources.certificates);
  if (!isSameRest || changed === undefined) return undefined;
  const hadVersion = changed.every((name) => before.sources.certificates.has(name));
  if (!hadVersion) return undefined;
  const rebound: SnapshotCertificate[] = [];
  for (const name of changed as readonly CertificateName[]) {
    const version = sources.certificates.get(name);
    if (version === undefined) return undefined;
    if (snapshot.certificates.has(name)) rebound.push(bindingOf(name, version));
  }
  const certificates = withPatches(
    snapshot.certificates,
    rebound.map((binding) => [binding.name, binding] as const),
  );
  const users = usersOf(snapshot.certificates);
  const counts = new Map<MaterialId, number>();
  const count = (id: MaterialId | undefined, by: number): void => {
    if (id !== undefined) counts.set(id, (counts.get(id) ?? users.get(id) ?? 0) + by);
  };
  for (const { name, material: id } of rebound) {
    count(snapshot.certificates.get(name)?.material, -1);
    count(id, 1);
  }
  USERS.set(certificates, withPatches(users, counts));
  const added = new Map(
    changed.flatMap((name) => {
      const version = sources.certificates.get(name);
      return version === undefined ? [] : [[version.id, version.material] as const];
    }),
  );
  const patches = [...counts].map(
    ([id, used]) => [id, used === 0 ? undefined : (added.get(id) ?? material.get(id))] as const,
  );
  return {
    snapshot: { ...snapshot, number, certificates, absentIps: [...absentIps] },
    material: withPatches(material, patches),
  };
}

/** How many certificates have the same material. Two certificates may have the same files. */
const USERS = new WeakMap<Snapshot["certificates"], ReadonlyMap<MaterialId, number>>();

function usersOf(certificates: Snapshot["certificates"]): ReadonlyMap<MaterialId, number> {
  const known = USERS.get(certificates);
  if (known !== undefined) return known;
  const users = new Map<MaterialId, number>();
  for (const { material } of certificates.values()) {
    users.set(material, (users.get(material) ?? 0) + 1);
  }
  USERS.set(certificates, users);
  return users;
}

const BINDINGS = new WeakMap<CertificateVersion, SnapshotCertificate>();

/** Returns the same object for the same version, so that unchanged ones are found by identity. */
function bindingOf(name: CertificateName, version: CertificateVersion): SnapshotCertificate {
  const known = BINDINGS.get(version);
  if (known?.name === name) return known;
  const { id, facts, signing } = version;
  const { names, keyType, notAfterMs } = facts;
  const binding = { name, material: id, names, keyType, notAfterMs, ...signing };
  BINDINGS.set(version, binding);
  return binding;
}

/**
 * Returns one worker's share of the limits, because the kernel distributes connections almost evenly. The limit for one client
 * address applies to each worker separately.
 */
function shareOf(name: SnapshotVnic["name"], qos: Qos, workers: number): SnapshotVnic {
  const share = (limit: number | undefined): number | undefined =>
    limit === undefined ? undefined : Math.max(1, Math.floor(limit / workers));
  return {
    name,
    maxConnections: share(qos.maxConnections),
    handshakesPerSecond: share(qos.handshakesPerSecond),
    handshakesPerSecondPerAddress: qos.handshakesPerSecondPerAddress,
  };
}

function materialOf(
  { listeners, certificates }: Snapshot,
  sources: Sources,
): ReadonlyMap<MaterialId, HeldMaterial> {
  const found = new Map<MaterialId, HeldMaterial>();
  for (const name of certificates.keys()) {
    const version = sources.certificates.get(name);
    if (version !== undefined) found.set(version.id, version.material);
  }
  const sharedIds = sharedIdsOf(listeners);
  for (const { id, material } of sources.trusts.values()) {
    if (sharedIds.has(id)) found.set(id, material);
  }
  for (const listener of listeners) {
    if (!("names" in listener) || listener.names === undefined) continue;
    for (const [id, shard] of shardsOf(listener.names)) found.set(id, shard);
  }
  return found;
}
