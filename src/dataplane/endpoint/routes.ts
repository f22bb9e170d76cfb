import type { VnicName } from "#model/names.ts";
import type { SnapshotNamed, SnapshotRoute } from "#model/records/snapshot.ts";
import type { NameTable } from "../tls/name-table.ts";
import { lookedUpNameOf } from "../tls/resolve-name.ts";
import type { EndpointHealths } from "./endpoint-health.ts";
import { EndpointSet } from "./endpoint-set.ts";

type RoutedSpec = SnapshotRoute & SnapshotNamed & { readonly vnic: VnicName };

/** Where the clients of a listener are sent to, by their server name. */
export class Routes {
  /** The endpoints for server names that have no route. */
  readonly ofListener: EndpointSet;
  readonly #spec: RoutedSpec;
  readonly #table: NameTable;
  readonly #healths: EndpointHealths;
  /** Is built on first use, because a listener can have 1,000 routes. */
  readonly #known = new Map<string, EndpointSet>();

  constructor(spec: RoutedSpec, table: NameTable, healths: EndpointHealths) {
    this.#spec = spec;
    this.#table = table;
    this.#healths = healths;
    this.ofListener = this.#build(spec);
  }

  /** Returns the endpoints of the route that `resolveName` has returned. */
  of(route: string | undefined): EndpointSet {
    if (route === undefined) return this.ofListener;
    const known = this.#known.get(route);
    if (known !== undefined) return known;
    const spec = this.#spec.names?.routes[route];
    if (spec === undefined) throw new TypeError(`The route ${route} has not arrived.`);
    const endpoints = this.#build(spec, spec.profile);
    this.#known.set(route, endpoints);
    return endpoints;
  }

  /** Returns the endpoints for a server name as the client has sent it. */
  for(serverName: string | undefined): EndpointSet {
    const name = serverName === undefined ? undefined : lookedUpNameOf(serverName);
    return this.of(name === undefined ? undefined : this.#table.find(name)?.route);
  }

  #build({ endpoints, standby, balance, check }: SnapshotRoute, profile?: string): EndpointSet {
    const { vnic } = this.#spec;
    return new EndpointSet(endpoints, standby, balance, this.#healths, vnic, check, profile);
  }
}
