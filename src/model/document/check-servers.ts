import { isIpAddress } from "../addresses/cidr.ts";
import { needsServer } from "./check-listener.ts";
import { checkKnownName } from "./known-names.ts";
import type { Document } from "./document.ts";
import type { Problem } from "../failure.ts";
import { pathOf, problemOf, quoted } from "../problem.ts";
import type { Profile } from "./profile.ts";
import { MAX_VNICS_PER_SERVER } from "./server.ts";

/** Checks the servers, and the servers that profiles name. */
export function checkServers(document: Document): readonly Problem[] {
  return [
    ...Object.entries(document.servers).flatMap(([name, { address }]) => [
      ...checkAddress(pathOf("servers", name, "address"), address),
      ...checkVnicCount(document, name),
    ]),
    ...Object.entries(document.profiles).flatMap(([name, profile]) =>
      checkProfile(document, pathOf("profiles", name), profile),
    ),
  ];
}

function checkAddress(path: string, address: string): readonly Problem[] {
  if (isIpAddress(address) === 0) {
    return [problemOf("bad-address", path, `${quoted(address)} is not an IPv4 or IPv6 address.`)];
  }
  if (/^[0:.]+$/.test(address)) {
    return [
      problemOf("bad-address", path, `${address} is not an address that can be connected to.`),
    ];
  }
  return [];
}

function checkVnicCount(document: Document, server: string): readonly Problem[] {
  const count = Object.values(document.profiles)
    .filter(({ servers, standby }) => servers.includes(server) || standby.includes(server))
    .reduce((sum, { vnics }) => sum + Object.keys(vnics).length, 0);
  if (count <= MAX_VNICS_PER_SERVER) return [];
  return [
    problemOf(
      "too-many-vnics",
      pathOf("servers", server),
      `${server} would carry ${count} vNICs, including standby. A server carries at most ${MAX_VNICS_PER_SERVER}.`,
    ),
  ];
}

function checkProfile(document: Document, path: string, profile: Profile): readonly Problem[] {
  const isEmpty = profile.servers.length === 0 && profile.standby.length === 0;
  const isInNeed = Object.values(profile.vnics).some(({ listeners }) =>
    listeners.some(needsServer),
  );
  const servers = new Set(profile.servers);
  return [
    ...checkNames(document, `${path}.servers`, profile.servers),
    ...checkNames(document, `${path}.standby`, profile.standby),
    ...profile.standby.flatMap((name, index) =>
      servers.has(name)
        ? [
            problemOf(
              "duplicate-server",
              `${path}.standby[${index}]`,
              `${name} is already in \`servers\`.`,
            ),
          ]
        : [],
    ),
    ...(isEmpty && isInNeed
      ? [
          problemOf(
            "no-server",
            `${path}.servers`,
            "The profile has no server, so the connections of its clients are closed.",
          ),
        ]
      : []),
  ];
}

function checkNames(
  document: Document,
  path: string,
  names: readonly string[],
): readonly Problem[] {
  const known = new Set<string>();
  return names.flatMap((name, index) => {
    const place = `${path}[${index}]`;
    const unknown = checkKnownName(document, "servers", place, name);
    if (unknown.length > 0 || !known.has(name)) {
      known.add(name);
      return unknown;
    }
    return [problemOf("duplicate-server", place, `${name} is listed twice.`)];
  });
}
