import type { ListenerName, VnicName } from "#model/names.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import { dataplaneModeOf } from "./dataplane-mode.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import type { ListenerRules } from "./listener-rules.ts";

/** The rules that a worker serves connections by. A commit replaces the whole object. */
export interface Runtime {
  readonly number: number;
  readonly listeners: ReadonlyMap<ListenerName, ListenerRules>;
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
  readonly vnics: ReadonlyMap<VnicName, SnapshotVnic>;
}

export const EMPTY_RUNTIME: Runtime = {
  number: 0,
  listeners: new Map(),
  maxConnections: 0,
  relayMemoryBytes: 0,
  vnics: new Map(),
};

/**
 * Applies a change to the runtime that it is based on. Listeners that the change does not contain stay the same
 * objects. Throws a TypeError if a listener of the change refers to a vNIC that does not exist then.
 */
export function buildRuntime(base: Runtime, change: Prepare, healths: EndpointHealths): Runtime {
  const listeners = new Map(change.base === 0 ? [] : base.listeners);
  for (const name of change.removed) listeners.delete(name);
  const vnics = new Map(change.base === 0 ? [] : base.vnics);
  for (const name of change.removedVnics) vnics.delete(name);
  for (const vnic of change.vnics) vnics.set(vnic.name, vnic);
  for (const spec of change.listeners) {
    if (!vnics.has(spec.vnic))
      throw new TypeError(`The vNIC ${spec.vnic} of a listener is not in the snapshot.`);
    listeners.set(spec.name, dataplaneModeOf(spec).buildRules(spec, healths));
  }
  return {
    number: change.number,
    listeners,
    maxConnections: change.maxConnections,
    relayMemoryBytes: change.relayMemoryBytes,
    vnics,
  };
}
