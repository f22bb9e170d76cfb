import { networkInterfaces } from "node:os";
import { cidrsContain, normaliseClientAddress, parseCidr } from "#model/addresses/cidr.ts";
import { trySocketAddress, type HostAndPort } from "#model/addresses/endpoint-text.ts";
import {
  isLoopbackName,
  reachedAddressOf,
  reservedKindOf,
} from "#model/addresses/reserved-address.ts";
import { targetsOf } from "#model/document/check-listener.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { profilesRoutedFrom } from "#model/document/routed-profiles.ts";
import { tryEntry } from "#model/json.ts";
import type { Problem } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import { pathOf, problemOf } from "#model/problem.ts";

/**
 * Refuses endpoints that a change over the API adds and that are at addresses which only this machine or its links have, because the
 * services there do not expect other clients. Loopback is allowed in the networks of `director.endpoints`. Endpoints that are in force
 * stay. `local` are the addresses of this machine.
 */
export function checkNewEndpoints(
  document: Document,
  inForce: Document | undefined,
  local: () => ReadonlySet<string> = localAddresses,
): readonly Problem[] {
  const isRefused = refusalsOf(document);
  const before = inForce?.servers ?? {};
  const ofServers = Object.entries(document.servers).flatMap(([name, { address }]) => {
    if (Object.hasOwn(before, name) && before[name]?.address === address) return [];
    return isRefused(address) ? [notAllowed(pathOf("servers", name, "address"), address)] : [];
  });
  const added = newEndpoints(document, inForce);
  if (added.length === 0) return ofServers;
  const own = ownSocketsOf(document);
  const here = local();
  const ofListeners = added.flatMap(({ place, host, port, key }) => {
    if (own.some((socket) => reaches(host, port, socket, here))) {
      const message = `${key} is a socket of this director.`;
      return [problemOf("endpoint-loop", place, message)];
    }
    return isRefused(host) ? [notAllowed(place, host)] : [];
  });
  return [...ofServers, ...firstOfEach(ofListeners)];
}

/** Returns the endpoints that are not in force. Most changes touch one of thousands of profiles, and add none. */
function newEndpoints(document: Document, inForce: Document | undefined): readonly Endpoint[] {
  if (inForce === undefined) return endpointsOf(document);
  const { profiles, servers } = document;
  const isChanged = (name: string): boolean =>
    tryEntry(profiles, name) !== tryEntry(inForce.profiles, name);
  const touched = Object.entries(profiles).filter(
    ([name, profile]) =>
      servers !== inForce.servers || isChanged(name) || profilesRoutedFrom(profile).some(isChanged),
  );
  const keysOf = (endpoints: readonly Endpoint[]): ReadonlySet<string> =>
    new Set(endpoints.map(({ key }) => key));
  const before = touched.flatMap(([name]) => {
    const one = tryEntry(inForce.profiles, name);
    return one === undefined ? [] : [[name, one] as const];
  });
  const known = keysOf(endpointsOf(inForce, Object.fromEntries(before)));
  const others = endpointsOf(document, Object.fromEntries(touched)).filter(
    ({ key }) => !known.has(key),
  );
  if (others.length === 0) return [];
  const all = keysOf(endpointsOf(inForce));
  return others.filter(({ key }) => !all.has(key));
}

/** Returns why a health check must not connect to an address and port, or undefined if it may. */
export type AddressRule = (address: string, port: number) => string | undefined;

/**
 * Returns the rule for the addresses that the names of remote hosts have. Nobody can know them when the document changes, and the owner of
 * a name can change them at any time, so the rule is for each name, whoever added it.
 */
export function addressRuleOf(
  document: Document,
  localNow: () => ReadonlySet<string> = localAddresses,
): AddressRule {
  const isRefused = refusalsOf(document);
  let all: readonly HostAndPort[] | undefined;
  return (address, port) => {
    const host = normaliseClientAddress(address);
    all ??= ownSocketsOf(document);
    const own = all.filter((socket) => socket.port === port);
    const local = own.length > 0 ? localNow() : new Set<string>();
    if (own.some((socket) => reaches(host, port, socket, local))) {
      return "which is a socket of this director";
    }
    if (!isRefused(host)) return undefined;
    const kind = reservedKindOf(host);
    return kind === "loopback"
      ? "which `endpoints.allow` of the director does not contain"
      : `which is ${withArticle(kind ?? "reserved")} address`;
  };
}

function refusalsOf({ director: { endpoints } }: Document): (host: string) => boolean {
  const allowed = endpoints.allow.flatMap((text) => {
    try {
      return [parseCidr(text)];
    } catch {
      // The check of the document reports it.
      return [];
    }
  });
  return (host) => {
    const kind = reservedKindOf(host);
    if (kind !== "loopback") return kind !== undefined;
    return !cidrsContain(allowed, isLoopbackName(host) ? "127.0.0.1" : reachedAddressOf(host));
  };
}

function notAllowed(place: string, host: string): Problem {
  const kind = reservedKindOf(host) ?? "loopback";
  const message = `${host} is ${withArticle(kind)} address, which an endpoint that is set over the API must not have.`;
  const hint =
    kind === "loopback"
      ? "Use another address of the server, or add the network to `endpoints.allow` under `director` in the file, and start the director again."
      : "Use another address of the server.";
  return problemOf("endpoint-not-allowed", place, message, hint);
}

const withArticle = (kind: string): string =>
  kind === "unspecified" ? "an unspecified" : `a ${kind}`;

interface Endpoint extends HostAndPort {
  /** The key of the listener that leads to the endpoint. */
  readonly place: string;
  readonly key: string;
}

const endpointsOf = (
  document: Document,
  profiles: Document["profiles"] = document.profiles,
): readonly Endpoint[] =>
  listenersOf({ profiles }).flatMap(({ path, owner, listener }) =>
    targetsOf({ document, owner, listener }).map(([address, port, place = "to"]) => {
      const host = normaliseClientAddress(address);
      return { place: `${path}.${place}`, host, port, key: socketAddressOf(host, port) };
    }),
  );

/** Returns the TCP sockets on which the director listens. */
function ownSocketsOf(document: Document): readonly HostAndPort[] {
  const observe = trySocketAddress(document.director.observe ?? "");
  return [
    ...(observe === undefined ? [] : [observe]),
    ...listenersOf(document).map(({ owner, listener }) => ({
      host: owner.vnic.ip,
      port: listener.port,
    })),
  ].map(({ host, port }) => ({ host: normaliseClientAddress(host), port }));
}

/** Whether a connection to the host and port arrives at the socket. */
function reaches(
  given: string,
  port: number,
  socket: HostAndPort,
  local: ReadonlySet<string>,
): boolean {
  if (port !== socket.port) return false;
  const host = reachedAddressOf(given);
  if (host === socket.host) return true;
  const isHere = reservedKindOf(host) === "loopback" || local.has(host);
  const isEvery = reservedKindOf(socket.host) === "unspecified";
  const isSameLoopback =
    isLoopbackName(host) && (socket.host === "127.0.0.1" || socket.host === "::1");
  return (isEvery && isHere) || isSameLoopback;
}

const localAddresses = (): ReadonlySet<string> =>
  new Set(
    Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.map(({ address }) => normaliseClientAddress(address)),
    ),
  );

/** A listener whose profile has several servers is reported once. */
function firstOfEach(problems: readonly Problem[]): readonly Problem[] {
  const places = new Set<string>();
  return problems.filter(({ path }) => !places.has(path) && places.add(path));
}
