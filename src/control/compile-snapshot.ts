import { vnicsOf, vnicsOfProfile } from "#model/document/document-listeners.ts";
import { surroundingsOf } from "#model/document/document-surroundings.ts";
import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import type { MaterialId } from "#model/names.ts";
import type { Profile } from "#model/document/profile.ts";
import type { Qos } from "#model/document/qos.ts";
import { materialIdsOf } from "#model/records/mode-records.ts";
import type {
  Material,
  Snapshot,
  SnapshotListener,
  SnapshotVnic,
} from "#model/records/snapshot.ts";
import { Traced } from "#model/traced.ts";
import { sizeBytesOf } from "#model/units.ts";
import type { Sources } from "./certificates/sources.ts";
import { compileListener } from "./compile-listener.ts";
import { materialOfListener, obstacleTo } from "./listener-material.ts";

export interface CompileInput {
  readonly number: number;
  /** Must have been checked. */
  readonly document: Document;
  readonly sources: Sources;
  readonly workers: number;
  /** Returns how many connections a worker may have if it has that many listeners. */
  readonly connectionsPerWorker: (listeners: number) => number;
  /** The virtual IPs on which no listener is opened. */
  readonly absentIps?: Iterable<string>;
}

export interface Compiled {
  /** The snapshot of each worker, with one worker's share of the limits. */
  readonly snapshot: Snapshot;
  /** The certificates and CA bundles to which the listeners of the snapshot refer. */
  readonly material: ReadonlyMap<MaterialId, Material>;
}

/**
 * Compiles a document. A listener is left out if the files that it needs cannot be used. A certificate that cannot be used is
 * left out of the other listeners.
 */
export function compileSnapshot(input: CompileInput): Compiled {
  const { document, sources, workers } = input;
  const listeners = compileListeners(document, sources);
  const snapshot: Snapshot = {
    number: input.number,
    listeners,
    vnics: vnicsOf(document).map(({ name, vnic }) => shareOf(name, vnic.qos, workers)),
    absentIps: [...(input.absentIps ?? [])],
    maxConnections: input.connectionsPerWorker(listeners.length),
    relayMemoryBytes: sizeBytesOf(document.director.relayMemory),
  };
  return { snapshot, material: materialOf(snapshot, sources) };
}

/** The listeners of a profile stay the same objects while nothing has changed that they are compiled from. */
const LISTENERS = new Traced<Profile, readonly SnapshotListener[]>();

function compileListeners(document: Document, sources: Sources): readonly SnapshotListener[] {
  const { certificates: versions, trusts } = sources;
  const around = surroundingsOf(document, { versions, trusts });
  const { versions: certificates, trusts: seenTrusts } = around.more;
  const seen = { document: around.document, sources: { certificates, trusts: seenTrusts } };
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

const isServable = (listener: Listener, document: Document, sources: Sources): boolean =>
  obstacleTo(materialOfListener(listener, document), sources) === undefined;

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

function materialOf(snapshot: Snapshot, sources: Sources): ReadonlyMap<MaterialId, Material> {
  const ids = materialIdsOf(snapshot.listeners);
  const versions = [...sources.certificates.values(), ...sources.trusts.values()];
  return new Map(versions.flatMap(({ id, material }) => (ids.has(id) ? [[id, material]] : [])));
}
