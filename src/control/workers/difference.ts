import { isDeepStrictEqual } from "node:util";
import { socketAddressOf, type ListenerName, type MaterialId } from "#model/names.ts";
import {
  materialIdsOf,
  type Material,
  type Snapshot,
  type SnapshotListener,
} from "#model/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import type { Compiled } from "#control/compile-snapshot.ts";

/**
 * The message that takes a worker from `base` (undefined: from nothing) to `target`. Of the material only that goes
 * along which `base` does not refer to: a worker keeps what its committed snapshot needs, and nothing else for sure.
 */
export function buildPrepare(base: Snapshot | undefined, target: Compiled): Prepare {
  const { snapshot } = target;
  const before = new Map(base?.listeners.map((listener) => [listener.name, listener]));
  const after = new Set(snapshot.listeners.map(({ name }) => name));
  const listeners = snapshot.listeners.filter(
    (listener) => !isDeepStrictEqual(listener, before.get(listener.name)),
  );
  return {
    type: "prepare",
    number: snapshot.number,
    base: base?.number ?? 0,
    listeners,
    removed: [...before.keys()].filter((name: ListenerName) => !after.has(name)),
    vnics: snapshot.vnics,
    maxConnections: snapshot.maxConnections,
    relayMemoryBytes: snapshot.relayMemoryBytes,
    material: missingMaterial(listeners, materialIdsOf(before.values()), target.material),
  };
}

/**
 * The message that has a fresh probe worker try what differs between `base` and `target`: the same listeners in the same
 * order as in the difference, so that it builds the same contexts, but from nothing. Of addresses it opens those alone that
 * nobody serves yet, and none unless `opensAddresses`: what it accepts is lost.
 */
export function buildTrial(
  base: Snapshot | undefined,
  target: Compiled,
  opensAddresses: boolean,
): Prepare {
  const { listeners } = buildPrepare(base, target);
  const snapshot = { ...target.snapshot, listeners };
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
