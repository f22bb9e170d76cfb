import { isDeepStrictEqual } from "node:util";
import {
  socketAddressOf,
  type CertificateName,
  type ListenerName,
  type MaterialId,
} from "#model/names.ts";
import { certificateNamesOf, sharedIdsOf } from "#model/records/mode-records.ts";
import {
  certificateNamesOfEndpoints,
  type Material,
  type Snapshot,
  type SnapshotCertificate,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { UnsentPrepare } from "#protocol/messages.ts";
import { materialOfHeld } from "#control/certificates/sources.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import { keysThatDiffer } from "#control/patched-map.ts";

/**
 * Builds the message that brings a worker from `base`, or from nothing if `base` is undefined, to `target`. It contains only
 * the material that `base` does not refer to, because a worker keeps what its committed snapshot needs.
 */
export function buildPrepare(base: Compiled | undefined, target: Compiled): UnsentPrepare {
  const { snapshot } = target;
  const before = new Map(base?.snapshot.listeners.map((listener) => [listener.name, listener]));
  const after = new Set(snapshot.listeners.map(({ name }) => name));
  const vnicsBefore = new Map(base?.snapshot.vnics.map((vnic) => [vnic.name, vnic]));
  const vnicsAfter = new Set(snapshot.vnics.map(({ name }) => name));
  const listeners = snapshot.listeners.filter(
    (listener) => !isSame(listener, before.get(listener.name)),
  );
  const certificates = changedCertificates(base?.snapshot, snapshot);
  return {
    type: "prepare",
    number: snapshot.number,
    base: base?.snapshot.number ?? 0,
    listeners,
    removed: [...before.keys()].filter((name: ListenerName) => !after.has(name)),
    certificates,
    removedCertificates: removedCertificates(base?.snapshot, snapshot),
    vnics: snapshot.vnics.filter((vnic) => !isSame(vnic, vnicsBefore.get(vnic.name))),
    removedVnics: [...vnicsBefore.keys()].filter((name) => !vnicsAfter.has(name)),
    absentIps: snapshot.absentIps,
    maxConnections: snapshot.maxConnections,
    relayMemoryBytes: snapshot.relayMemoryBytes,
    material: missingMaterial(materialIdsOf(listeners, certificates), base, target),
  };
}

const isSame = <Part>(one: Part, other: Part | undefined): boolean =>
  one === other || isDeepStrictEqual(one, other);

/** Returns the certificates of `after` whose names have no version or another version in `before`. */
export const changedCertificates = (
  before: Snapshot | undefined,
  after: Snapshot,
): readonly SnapshotCertificate[] => {
  const differing = before && keysThatDiffer(before.certificates, after.certificates);
  const certificates =
    differing === undefined
      ? [...after.certificates.values()]
      : differing.flatMap((name) => after.certificates.get(name) ?? []);
  return certificates.filter(
    (certificate) => !isSame(certificate, before?.certificates.get(certificate.name)),
  );
};

function removedCertificates(
  before: Snapshot | undefined,
  after: Snapshot,
): readonly CertificateName[] {
  if (before === undefined) return [];
  const differing = keysThatDiffer(before.certificates, after.certificates);
  const names = differing ?? [...before.certificates.keys()];
  return names.filter((name) => before.certificates.has(name) && !after.certificates.has(name));
}

/**
 * Builds the message with which a fresh probe worker tries the difference between `base` and `target`. It has the listeners
 * of the difference, and those that use a changed certificate, but it starts from nothing. Of the latter listeners it has
 * only the changed certificates, so that the probe builds the same contexts. If `opensAddresses`, the probe opens the addresses that no worker serves yet, otherwise none, because the connections that
 * a probe accepts are lost.
 */
export function buildTrial(
  base: Compiled | undefined,
  target: Compiled,
  opensAddresses: boolean,
): UnsentPrepare {
  const difference = buildPrepare(base, target);
  const changed = new Set(difference.certificates.map(({ name }) => name));
  const differing = new Set(difference.listeners);
  const listeners = target.snapshot.listeners.filter(
    (listener) =>
      differing.has(listener) || certificateNamesOf(listener).some((name) => changed.has(name)),
  );
  const owners = new Set(listeners.map(({ vnic }) => vnic));
  const vnics = target.snapshot.vnics.filter(({ name }) => owners.has(name));
  const used = new Set(
    listeners.flatMap((listener) =>
      differing.has(listener) ? certificateNamesOf(listener) : namesForEndpointsOf(listener),
    ),
  );
  const certificates = new Map(
    [...target.snapshot.certificates].filter(([name]) => used.has(name) || changed.has(name)),
  );
  const snapshot = { ...target.snapshot, listeners, certificates, vnics };
  const served = new Set(base?.snapshot.listeners.map(addressOf));
  const isNew = (listener: SnapshotListener): boolean => !served.has(addressOf(listener));
  return {
    ...buildPrepare(undefined, { ...target, snapshot }),
    opensOnly: opensAddresses ? listeners.filter(isNew).map(({ name }) => name) : [],
  };
}

const namesForEndpointsOf = (listener: SnapshotListener): readonly CertificateName[] =>
  "endpointTls" in listener ? certificateNamesOfEndpoints(listener) : [];

const addressOf = ({ virtualIp, port }: SnapshotListener): string =>
  socketAddressOf(virtualIp, port);

function* materialIdsOf(
  listeners: readonly SnapshotListener[],
  certificates: readonly SnapshotCertificate[],
): Iterable<MaterialId> {
  for (const { material } of certificates) yield material;
  yield* sharedIdsOf(listeners);
}

function missingMaterial(
  ids: Iterable<MaterialId>,
  base: Compiled | undefined,
  target: Compiled,
): UnsentPrepare["material"] {
  const missing = new Map<MaterialId, () => Material>();
  for (const id of ids) {
    if (base?.material.has(id) === true) continue;
    const found = target.material.get(id);
    if (found === undefined) throw new TypeError(`Material ${id} is referred to but not there.`);
    missing.set(id, () => materialOfHeld(found));
  }
  return missing;
}
