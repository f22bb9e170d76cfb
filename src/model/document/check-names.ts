/** The rules of the entries by server name of a listener. */
import { tryUnixPath } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { tryNameOrWildcard } from "../tls/server-name.ts";
import { listed, pathOf, problemOf, quoted } from "../problem.ts";
import { checkLoop } from "./check-endpoint.ts";
import { checkKnownName } from "./known-names.ts";
import type { Listener } from "./listener.ts";
import { checkUnique, type ListenerContext, type Target, type TargetPlace } from "./mode-rules.ts";
import {
  listedNamesOf,
  MAX_NAME_POLICIES,
  MAX_NAME_ROUTES,
  nameRoutesOf,
  tryRouteKeyOf,
  type NameEntry,
  type NamedListener,
  type Names,
  type NameRoute,
} from "./names-option.ts";
import { portOn } from "./server-entry.ts";

type NamedContext = ListenerContext<Extract<Listener, NamedListener>>;
type NamedPlace = TargetPlace<Extract<Listener, NamedListener>>;

export function checkNames(context: NamedContext): readonly Problem[] {
  const { path, listener } = context;
  const { names } = listener;
  if (names === undefined) return [];
  return [
    ...checkKeys(`${path}.names`, listener),
    ...checkEntries(context, names),
    ...checkRoutes(context),
    ...checkTrust(context),
    ...checkCount(`${path}.names`, policiesOf(listener), MAX_NAME_POLICIES, "policies"),
    ...checkCount(`${path}.names`, nameRoutesOf(listener).size, MAX_NAME_ROUTES, "routes"),
  ];
}

const entryPathOf = (listener: string, key: string): string =>
  `${listener}.${pathOf("names", key)}`;

const policiesOf = (listener: NamedListener): number =>
  new Set(listedNamesOf(listener).flatMap(({ policy }) => policy ?? [])).size;

function checkCount(path: string, count: number, most: number, what: string): readonly Problem[] {
  if (count <= most) return [];
  const message = `The names have ${count} different ${what}, and a listener can have ${most}.`;
  return [problemOf("bad-value", path, message, "Distribute the names over several vNICs.")];
}

function checkKeys(place: string, listener: NamedListener): readonly Problem[] {
  const entries = listedNamesOf(listener);
  const valid = new Set(entries.map(({ key }) => key));
  const first = new Map<string, string>();
  return [
    ...Object.keys(listener.names ?? {})
      .filter((key) => !valid.has(key))
      .map((key) => badName(place, key)),
    ...entries.flatMap(({ name, key }) => {
      const known = first.get(name);
      if (known !== undefined) {
        const message = `${quoted(key)} is the same server name as ${quoted(known)}.`;
        return [problemOf("duplicate-server-name", `${place}${stepOf(key)}`, message)];
      }
      first.set(name, key);
      return [];
    }),
  ];
}

const stepOf = (key: string): string => pathOf("names", key).slice("names".length);

function badName(place: string, key: string): Problem {
  const message = `${quoted(key)} is not a server name that a client can send.`;
  return problemOf("bad-server-name", `${place}${stepOf(key)}`, message, hintOf(key));
}

const OTHER_HINT =
  "Write a name such as shop.example.com, or *.example.com for all names with one more label. Addresses are no server names.";

function hintOf(key: string): string {
  if (!/[^\0-\x7f]/.test(key)) return OTHER_HINT;
  const [wildcard, name] = key.startsWith("*.") ? ["*.", key.slice(2)] : ["", key];
  const url = /[/?#@:\\]/.test(name) ? null : URL.parse(`https://${name}/`);
  const labels = url && tryNameOrWildcard(`${wildcard}${url.hostname}`);
  return typeof labels === "string"
    ? `Write it as ${labels}.`
    : "Write an international name as A-labels, e.g. xn--mnchen-3ya.example.";
}

/** Most of 10,000 names share their settings with others, so settings without a problem are checked once. */
function checkEntries(context: NamedContext, names: Names): readonly Problem[] {
  const sound = new Set<string>();
  return Object.entries(names).flatMap(([key, entry]) => {
    const settings = JSON.stringify(entry);
    if (sound.has(settings)) return [];
    const problems = checkEntry(context, entryPathOf(context.path, key), entry);
    if (problems.length === 0) sound.add(settings);
    return problems;
  });
}

const checkEntry = (
  { document, listener }: NamedContext,
  place: string,
  { certificates, policy, profile, to }: NameEntry,
): readonly Problem[] => [
  ...(certificates ?? []).flatMap((name, at) =>
    checkKnownName(document, "certificates", `${place}.certificates[${at}]`, name),
  ),
  ...checkUnique(`${place}.certificates`, certificates ?? []),
  ...(policy === undefined ? [] : checkKnownName(document, "policies", `${place}.policy`, policy)),
  ...(profile === undefined
    ? []
    : checkKnownName(document, "profiles", `${place}.profile`, profile)),
  ...(to === undefined ? [] : checkTo(`${place}.to`, to)),
  ...(profile !== undefined && typeof (to ?? listener.to) === "string"
    ? [uselessProfile(`${place}.profile`)]
    : []),
];

/** Checks where a listener, or clients of one of its names, are sent to. */
export function checkTo(place: string, to: number | string): readonly Problem[] {
  if (typeof to === "number" || tryUnixPath(to) !== undefined) return [];
  const hint = /^\d+$/.test(to) ? "Write the port without quotes." : undefined;
  const message = `${quoted(to)} is neither a port nor the absolute path of a unix socket.`;
  return [problemOf("bad-endpoint", place, message, hint)];
}

function uselessProfile(place: string): Problem {
  const message = "A unix socket is on this machine, whatever servers the profile has.";
  const hint = "Remove it, or set `to` to a port.";
  return problemOf("not-used", place, message, hint);
}

function checkRoutes(context: NamedContext): readonly Problem[] {
  const { path, listener } = context;
  return [...nameRoutesOf(listener).values()].flatMap((route) => {
    const place = `${entryPathOf(path, route.key)}.${route.setting}`;
    return [
      ...checkLoop(context, targetsOfRoute(context, route), place),
      ...checkServers(context, place, route),
    ];
  });
}

/** Warns of a route to a profile without a server. The rules of that profile know only its own listeners. */
function checkServers(
  { document }: NamedContext,
  place: string,
  { profile: name, to }: NameRoute,
): readonly Problem[] {
  if (name === undefined || typeof to === "string") return [];
  const profile = Object.hasOwn(document.profiles, name) ? document.profiles[name] : undefined;
  if (profile === undefined) return [];
  const isUsable = ({ server, weight }: (typeof profile.servers)[number]): boolean =>
    weight > 0 && (!Object.hasOwn(document.servers, server) || adminOf(server) === "up");
  const adminOf = (server: string): string => document.servers[server]?.admin ?? "up";
  if ([...profile.servers, ...profile.standby].some(isUsable)) return [];
  const message = `No server of profile ${name} may get new connections, so those of these clients are closed.`;
  return [problemOf("no-server", place, message, "Add a server to the profile.")];
}

/**
 * Warns of names that require client certificates of clients for endpoints that any client reaches which sends no server name. A
 * request of mode http says which name it is for, so it cannot be sent to another name's endpoints.
 */
function checkTrust({ document, path, listener }: NamedContext): readonly Problem[] {
  const requires = (policy: string): boolean =>
    Object.hasOwn(document.policies, policy) &&
    document.policies[policy]?.clientAuth.mode === "require";
  if (listener.mode !== "tcp" || requires(listener.policy)) return [];
  const open = listedNamesOf(listener).filter(
    (entry) =>
      entry.policy !== undefined &&
      requires(entry.policy) &&
      tryRouteKeyOf(entry, listener) === undefined,
  );
  const [first] = open;
  if (first === undefined) return [];
  const names = open.map(({ name }) => name);
  const message = `Clients reach the endpoints of ${listed(names, 1)} without a client certificate if they send no server name.`;
  return [problemOf("client-auth-by-name", `${entryPathOf(path, first.key)}.policy`, message)];
}

/** Returns the endpoints of the routes of the names, with the setting that leads to them. */
export const targetsOfNames = (place: NamedPlace): readonly Target[] =>
  [...nameRoutesOf(place.listener).values()].flatMap((route) => targetsOfRoute(place, route));

function targetsOfRoute(
  { document, owner }: Pick<NamedPlace, "document" | "owner">,
  { profile: name, to, key, setting }: NameRoute,
): readonly Target[] {
  const { profiles } = document;
  const own = name === undefined ? owner.profile : undefined;
  const profile =
    own ?? (name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined);
  if (profile === undefined || typeof to !== "number") return [];
  return targetsOfPort(document, profile, to).map(([address, port]) => [
    address,
    port,
    `${pathOf("names", key)}.${setting}`,
  ]);
}

/** Returns the addresses and ports of the servers of a profile. */
export const targetsOfPort = (
  { servers }: Pick<NamedPlace["document"], "servers">,
  profile: NamedPlace["owner"]["profile"],
  to: number,
): readonly Target[] =>
  [...profile.servers, ...profile.standby]
    .filter(({ server }) => Object.hasOwn(servers, server))
    .map((entry) => [servers[entry.server]?.address ?? "", portOn(entry, to)]);

/** Returns the names of the certificates that the entries refer to. */
export const certificatesOfNames = (listener: Pick<NamedListener, "names">): readonly string[] =>
  Object.values(listener.names ?? {}).flatMap(({ certificates = [] }) => certificates);
