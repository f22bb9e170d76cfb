import type { CertificateName, ListenerName, VnicName } from "#model/names.ts";
import type { SnapshotCertificate, SnapshotVnic } from "#model/records/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import { dataplaneModeOf } from "./dataplane-mode.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import type { ListenerRules, RuleParts } from "./listener-rules.ts";
import { usesOf } from "./listener-uses.ts";
import type { Steps } from "./live/in-slices.ts";

/** The rules that a worker serves connections by. A commit replaces the whole object. */
export interface Runtime {
  readonly number: number;
  readonly listeners: ReadonlyMap<ListenerName, ListenerRules>;
  readonly certificates: ReadonlyMap<CertificateName, SnapshotCertificate>;
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
  readonly vnics: ReadonlyMap<VnicName, SnapshotVnic>;
}

export const EMPTY_RUNTIME: Runtime = {
  number: 0,
  listeners: new Map(),
  certificates: new Map(),
  maxConnections: 0,
  relayMemoryBytes: 0,
  vnics: new Map(),
};

/** The rules that a change has built. */
export interface BuiltRules {
  readonly rules: ListenerRules;
  /** The certificates of the listener that have changed. Undefined if the listener itself is new or changed. */
  readonly rebound?: ReadonlySet<CertificateName>;
}

export interface BuiltRuntime {
  readonly runtime: Runtime;
  readonly built: readonly BuiltRules[];
}

/**
 * Applies a change to the runtime that it is based on. Listeners that the change does not touch stay the same objects. A
 * listener whose certificates have changed keeps all other rules. Throws a TypeError if the change refers to a vNIC or a
 * certificate that does not exist then. `materialOf` returns what has arrived.
 */
export function* buildRuntime(
  base: Runtime,
  change: Omit<Prepare, "material">,
  healths: EndpointHealths,
  materialOf: RuleParts["materialOf"] = () => undefined,
): Steps<BuiltRuntime> {
  const isWhole = change.base === 0;
  const listeners = new Map(isWhole ? [] : base.listeners);
  for (const name of change.removed) listeners.delete(name);
  const vnics = new Map(isWhole ? [] : base.vnics);
  for (const name of change.removedVnics) vnics.delete(name);
  for (const vnic of change.vnics) vnics.set(vnic.name, vnic);
  const certificates = new Map(isWhole ? [] : base.certificates);
  for (const name of change.removedCertificates) certificates.delete(name);
  for (const certificate of change.certificates) certificates.set(certificate.name, certificate);
  const parts = { healths, certificates, materialOf };
  const changed = new Set(change.certificates.map(({ name }) => name));
  for (const name of change.removedCertificates) changed.add(name);
  // A listener that has changed is built anew. What it was before may refer to certificates that are removed.
  const kept = new Map(listeners);
  for (const { name } of change.listeners) kept.delete(name);
  const built = [
    ...(yield* rebindAll(kept, changed, parts)),
    ...(yield* buildAll(change, vnics, parts)),
  ];
  for (const { rules } of built) listeners.set(rules.spec.name, rules);
  const { number, maxConnections, relayMemoryBytes } = change;
  return {
    runtime: { number, listeners, certificates, maxConnections, relayMemoryBytes, vnics },
    built,
  };
}

function* buildAll(
  { listeners }: Pick<Prepare, "listeners">,
  vnics: Runtime["vnics"],
  parts: RuleParts,
): Steps<readonly BuiltRules[]> {
  const built: BuiltRules[] = [];
  for (const spec of listeners) {
    if (!vnics.has(spec.vnic))
      throw new TypeError(`The vNIC ${spec.vnic} of a listener is not in the snapshot.`);
    built.push({ rules: yield* dataplaneModeOf(spec).buildRules(spec, parts) });
    yield;
  }
  return built;
}

function* rebindAll(
  listeners: Runtime["listeners"],
  changed: ReadonlySet<CertificateName>,
  parts: RuleParts,
): Steps<readonly BuiltRules[]> {
  const built: BuiltRules[] = [];
  if (changed.size === 0) return built;
  for (const rules of listeners.values()) {
    const rebound = changed.intersection(usesOf(rules.spec).certificates);
    if (rebound.size === 0) continue;
    built.push({
      rules: yield* dataplaneModeOf(rules.spec).rebind(rules, rebound, parts),
      rebound,
    });
    yield;
  }
  return built;
}
