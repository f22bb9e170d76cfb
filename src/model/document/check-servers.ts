import { normaliseClientAddress } from "../addresses/cidr.ts";
import { checkAddress } from "./check-address.ts";
import type { Document } from "./document.ts";
import { needsServer } from "./check-listener.ts";
import { checkKnownName } from "./known-names.ts";
import { lackOfServersOf } from "./lack-of-servers.ts";
import type { Problem } from "../failure.ts";
import { listed, pathOf, problemOf } from "../problem.ts";
import type { Profile } from "./profile.ts";
import { serverNamesOf, type ServerEntry } from "./server-entry.ts";
import { MAX_VNICS_PER_SERVER } from "./server.ts";

/** Checks the servers by themselves. */
export function checkServers(document: Document): readonly Problem[] {
  const counts = vnicCounts(document);
  return Object.entries(document.servers).flatMap(([name, { address }]) => [
    ...checkServerAddress(pathOf("servers", name, "address"), address),
    ...checkVnicCount(name, counts.get(name) ?? 0),
  ]);
}

function checkServerAddress(path: string, address: string): readonly Problem[] {
  if (isWildcard(address)) {
    return [
      problemOf("bad-address", path, `${address} is not an address that can be connected to.`),
    ];
  }
  return checkAddress(path, address, "the address of a server");
}

const isWildcard = (address: string): boolean =>
  ["0.0.0.0", "::"].includes(normaliseClientAddress(address));

/** Returns how many vNICs each server carries, also on standby. */
function vnicCounts(document: Document): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const profile of Object.values(document.profiles)) {
    const count = Object.keys(profile.vnics).length;
    for (const server of new Set(serverNamesOf(profile))) {
      counts.set(server, (counts.get(server) ?? 0) + count);
    }
  }
  return counts;
}

function checkVnicCount(server: string, count: number): readonly Problem[] {
  if (count <= MAX_VNICS_PER_SERVER) return [];
  return [
    problemOf(
      "too-many-vnics",
      pathOf("servers", server),
      `${server} would carry ${count} vNICs, including standby. A server carries at most ${MAX_VNICS_PER_SERVER}.`,
    ),
  ];
}

/** Checks the servers that a profile names. */
export function checkServersOf(
  document: Document,
  path: string,
  profile: Profile,
  routed: string | undefined,
): readonly Problem[] {
  const servers = new Set(profile.servers.map(({ server }) => server));
  const used = usedPortsOf(profile, routed);
  return [
    ...checkEntries(document, `${path}.servers`, profile.servers),
    ...checkEntries(document, `${path}.standby`, profile.standby),
    ...profile.standby.flatMap(({ server }, index) =>
      servers.has(server)
        ? [
            problemOf(
              "duplicate-server",
              `${path}.standby[${index}]`,
              `${server} is already in \`servers\`.`,
            ),
          ]
        : [],
    ),
    ...checkLack(document, `${path}.servers`, profile),
    ...checkPorts(`${path}.servers`, profile.servers, used),
    ...checkPorts(`${path}.standby`, profile.standby, used),
  ];
}

function checkLack(document: Document, place: string, profile: Profile): readonly Problem[] {
  const lack = lackOfServersOf(document, profile);
  if (lack === undefined) return [];
  const { reason, hint, isComplete } = lack;
  const consequence = isComplete
    ? "the connections of its clients are closed"
    : "the connections of clients to its listeners that lead to a port are closed";
  return [problemOf("no-server", place, `${reason}, so ${consequence}.`, hint)];
}

const MAX_PORTS_NAMED = 5;

/** Returns the `to` of listeners and of their names that lead to the profile. `routed` is from `portsRoutedTo`. */
const usedPortsOf = ({ vnics }: Profile, routed = ""): ReadonlySet<string> =>
  new Set([
    ...Object.values(vnics).flatMap(({ listeners }) =>
      listeners
        .filter(needsServer)
        .flatMap(({ to }) => (typeof to === "number" ? [String(to)] : [])),
    ),
    ...routed.split(" ").filter((port) => port !== ""),
  ]);

/** Warns of ports for a `to` that no listener of the profile has. */
function checkPorts(
  path: string,
  entries: readonly ServerEntry[],
  used: ReadonlySet<string>,
): readonly Problem[] {
  if (entries.every(({ ports }) => Object.keys(ports).length === 0)) return [];
  const known =
    used.size === 0
      ? "No listener leads to a port of a server."
      : `The listeners have ${listed([...used], MAX_PORTS_NAMED)}.`;
  return entries.flatMap(({ ports }, index) =>
    Object.keys(ports)
      .filter((to) => !used.has(to))
      .map((to) =>
        problemOf(
          "not-used",
          `${path}[${index}].ports.${to}`,
          `No listener of the profile has the \`to\` ${to}. ${known}`,
          "Write the `to` of a listener as the key, or remove it.",
        ),
      ),
  );
}

function checkEntries(
  document: Document,
  path: string,
  entries: readonly ServerEntry[],
): readonly Problem[] {
  const known = new Set<string>();
  return entries.flatMap(({ server: name }, index) => {
    const place = `${path}[${index}]`;
    const unknown = checkKnownName(document, "servers", place, name);
    if (unknown.length > 0 || !known.has(name)) {
      known.add(name);
      return unknown;
    }
    return [problemOf("duplicate-server", place, `${name} is listed twice.`)];
  });
}
