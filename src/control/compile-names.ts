/** Compiles what a listener does for clients of certain server names. */
import { createHash } from "node:crypto";
import {
  listedNamesOf,
  nameRoutesOf,
  tryRouteKeyOf,
  type ListedName,
} from "#model/document/names-option.ts";
import type { TerminatingListener } from "#model/document/terminating-rules.ts";
import {
  profileOfVnic,
  type CertificateName,
  type ListenerName,
  type MaterialId,
} from "#model/names.ts";
import { shardCountOf, shardOfName } from "#model/records/name-shards.ts";
import type {
  NameShard,
  SnapshotName,
  SnapshotNamed,
  SnapshotNameRoute,
  SnapshotNames,
} from "#model/records/snapshot.ts";
import { compileRoute } from "./compile-route.ts";
import { compileClientPolicy } from "./compile-tls.ts";
import { lacking, type ListenerOwner } from "./listener-owner.ts";

type Shards = ReadonlyMap<MaterialId, NameShard>;

/** The shards are beside the listeners, because they are not sent with these. */
const SHARDS = new WeakMap<SnapshotNames, Shards>();

/** Returns the shards of compiled names, by their ids. */
export const shardsOf = (names: SnapshotNames): Shards => SHARDS.get(names) ?? new Map();

/** Returns the entries of compiled names. */
export const entriesOf = (names: SnapshotNames): readonly SnapshotName[] =>
  shardsOf(names)
    .values()
    .flatMap(({ entries }) => entries)
    .toArray();

/** `protocols` are those that the mode offers by ALPN. If it is undefined, the policies say which. */
export function compileNames(
  name: ListenerName,
  listener: TerminatingListener,
  owner: ListenerOwner,
  protocols?: readonly string[],
): SnapshotNamed {
  const listed = listedNamesOf(listener);
  if (listed.length === 0) return {};
  const routes = compileRoutes(listener, owner);
  const entries = listed.map((entry) => compileName(entry, listener, routes));
  const policies = new Set(entries.flatMap(({ policy }) => policy ?? []));
  const shards = compileShards(entries);
  const names: SnapshotNames = {
    shards: shards.map(({ id }) => id),
    policies: Object.fromEntries(
      Array.from(policies, (policy) => [
        policy,
        compileClientPolicy(name, policy, owner, protocols),
      ]),
    ),
    routes: Object.fromEntries(routes),
    certificates: [...new Set(entries.flatMap(({ certificates = [] }) => certificates))],
  };
  SHARDS.set(names, new Map(shards.map(({ id, shard }) => [id, shard])));
  return { names };
}

/** Leaves out what is as in the listener, so that a name has another TLS identity only if something differs. */
function compileName(
  entry: ListedName,
  listener: TerminatingListener,
  routes: ReadonlyMap<string, SnapshotNameRoute>,
): SnapshotName {
  const { name, policy, certificates = listener.certificates } = entry;
  const route = tryRouteKeyOf(entry, listener);
  const hasOwn =
    certificates.length !== listener.certificates.length ||
    certificates.some((certificate, at) => certificate !== listener.certificates[at]);
  return {
    name,
    ...(hasOwn ? { certificates: certificates as CertificateName[] } : {}),
    ...(policy === undefined || policy === listener.policy ? {} : { policy }),
    ...(route === undefined || !routes.has(route) ? {} : { route }),
  };
}

function compileRoutes(
  listener: TerminatingListener,
  owner: ListenerOwner,
): ReadonlyMap<string, SnapshotNameRoute> {
  const own = profileOfVnic(owner.name);
  const routes = new Map<string, SnapshotNameRoute>();
  for (const [key, { profile: name = own, to }] of nameRoutesOf(listener)) {
    if (name === own && to === listener.to) continue;
    const { profiles } = owner.document;
    const profile = name === own ? owner.profile : profiles[name];
    if (profile === undefined) throw lacking(`profile ${name}`);
    routes.set(key, { profile: name, ...compileRoute({ ...listener, to }, { ...owner, profile }) });
  }
  return routes;
}

/** The entries of a shard are sorted, so that their order in the document does not matter. */
function compileShards(
  entries: readonly SnapshotName[],
): readonly { readonly id: MaterialId; readonly shard: NameShard }[] {
  const count = shardCountOf(entries.length);
  const grouped = Map.groupBy(entries, ({ name }) => shardOfName(name, count));
  return Array.from({ length: count }, (_, at) => {
    const sorted = (grouped.get(at) ?? []).toSorted((one, other) =>
      one.name < other.name ? -1 : 1,
    );
    const shard: NameShard = { kind: "names", entries: sorted };
    const id = createHash("sha256").update(JSON.stringify(shard)).digest("hex") as MaterialId;
    return { id, shard };
  });
}
