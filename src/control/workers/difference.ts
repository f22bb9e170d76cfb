import { isDeepStrictEqual } from "node:util";
import { socketAddressOf, type ListenerName, type MaterialId } from "#model/names.ts";
import { materialIdsOf } from "#model/records/mode-records.ts";
import type {
  Material,
  Snapshot,
  SnapshotListener,
  SnapshotVnic,
} from "#model/records/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import type { Compiled } from "#control/compile-snapshot.ts";

/**
 * Builds the message that brings a worker from `base`, or from nothing if `base` is undefined, to `target`. It contains only
 * the material that `base` does not refer to, because a worker keeps what its committed snapshot needs.
 */
export function buildPrepare(base: Snapshot | undefined, target: Compiled): Prepare {
  const { snapshot } = target;
  const before = new Map(base?.listeners.map((listener) => [listener.name, listener]));
  const after = new Set(snapshot.listeners.map(({ name }) => name));
  const vnicsBefore = new Map(base?.vnics.map((vnic) => [vnic.name, vnic]));
  const vnicsAfter = new Set(snapshot.vnics.map(({ name }) => name));
  const listeners = snapshot.listeners.filter(
    (listener) => !isDeepStrictEqual(listener, before.get(listener.name)),
  );
  return {
    type: "prepare",
    number: snapshot.number,
    base: base?.number ?? 0,
    listeners,
    removed: [...before.keys()].filter((name: ListenerName) => !after.has(name)),
    vnics: snapshot.vnics.filter((vnic) => !isSameVnic(vnic, vnicsBefore.get(vnic.name))),
    removedVnics: [...vnicsBefore.keys()].filter((name) => !vnicsAfter.has(name)),
    absentIps: snapshot.absentIps,
    maxConnections: snapshot.maxConnections,
    relayMemoryBytes: snapshot.relayMemoryBytes,
    material: missingMaterial(listeners, materialIdsOf(before.values()), target.material),
  };
}

const isSameVnic = (one: SnapshotVnic, other: SnapshotVnic | undefined): boolean =>
  one === other || isDeepStrictEqual(one, other);

/**
 * Builds the message with which a fresh probe worker tries the difference between `base` and `target`. It has the same
 * listeners in the same order as the difference, so that the probe builds the same contexts, but it starts from nothing.
 * If `opensAddresses`, the probe opens the addresses that no worker serves yet, otherwise none, because the connections that
 * a probe accepts are lost.
 */
export function buildTrial(
  base: Snapshot | undefined,
  target: Compiled,
  opensAddresses: boolean,
): Prepare {
  const { listeners } = buildPrepare(base, target);
  const owners = new Set(listeners.map(({ vnic }) => vnic));
  const vnics = target.snapshot.vnics.filter(({ name }) => owners.has(name));
  const snapshot = { ...target.snapshot, listeners, vnics };
  const served = new Set(base?.listeners.map(addressOf));
  const isNew = (listener: SnapshotListener): boolean => !served.has(addressOf(listener));
  return {
    ...buildPrepare(undefined, { ...target, snapshot }),
    opensOnly: opensAddresses ? listeners.filter(isNew).map(({ name }) => name) : [],
  };
}

const addressOf = ({ virtualIp, port }: SnapshotListener): string =>
  socketAddressOf(virtualIp, port);

function missingMaterial(
  listeners: readonly SnapshotListener[],
  known: ReadonlySet<MaterialId>,
  material: ReadonlyMap<MaterialId, Material>,
): Record<MaterialId, Material> {
  const missing: Record<MaterialId, Material> = {};
  for (const id of materialIdsOf(listeners)) {
    const found = material.get(id);
    if (known.has(id)) continue;
    if (found === undefined) throw new TypeError(`Material ${id} is referred to but not there.`);
    missing[id] = found;
  }
  return missing;
}
