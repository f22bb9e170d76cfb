import { checkAddress } from "./check-address.ts";
import { checkListener } from "./check-listener.ts";
import { checkPolicy } from "./check-policy.ts";
import { checkServers, checkServersOf } from "./check-servers.ts";
import { checkCidrs } from "./mode-rules.ts";
import { portsRoutedTo } from "./routed-profiles.ts";
import { isIpAddress, normaliseClientAddress } from "../addresses/cidr.ts";
import { listenersOfVnic, vnicsOf, vnicsOfProfile, type VnicPlace } from "./document-listeners.ts";
import { surroundingsOf, type DocumentSurroundings } from "./document-surroundings.ts";
import type { Document } from "./document.ts";
import { trySocketAddress } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { socketAddressOf, type VnicName } from "../names.ts";
import { pathOf, problemOf, quoted } from "../problem.ts";
import type { Profile } from "./profile.ts";
import { DEFAULT_PRIORITY } from "./qos.ts";
import { Remembered } from "../remembered.ts";
import { checkSecrets } from "./secrets.ts";
import { Traced } from "../traced.ts";
import { rateOf } from "../units.ts";

/** Checks the rules that a schema cannot express. Returns all problems of the document. */
export function checkDocument(document: Document): readonly Problem[] {
  const ownListeners = ownListenersOf(document);
  const around = surroundingsOf(document, { ownListeners, routedPorts: portsRoutedTo(document) });
  const profiles = Object.entries(document.profiles);
  return [
    ...checkObserve(document, ownListeners),
    ...checkCidrs("director.endpoints.allow", document.director.endpoints.allow),
    ...checkKeyPlaces(document),
    ...checkServers(document),
    ...checkSecrets(document),
    ...checkPassphrases(document),
    ...Object.entries(document.policies).flatMap(([name, policy]) => checkPolicy(name, policy)),
    ...checkVirtualIps(vnicsOf(document)),
    ...profiles.flatMap(([name, profile]) =>
      PROFILE_PROBLEMS.of(profile, name, around.surroundings, () =>
        checkProfile(name, profile, around),
      ),
    ),
  ];
}

/** What the rules have found about each profile. */
const PROFILE_PROBLEMS = new Traced<Profile, readonly Problem[]>();

const checkProfile = (
  name: string,
  profile: Profile,
  around: DocumentSurroundings<OwnListeners>,
): readonly Problem[] => [
  ...checkServersOf(
    around.document,
    pathOf("profiles", name),
    profile,
    around.more.routedPorts.get(name),
  ),
  ...vnicsOfProfile(name, profile).flatMap((place) => checkVnic(place, around)),
];

const checkVnic = (
  place: VnicPlace,
  { document, more: { ownListeners } }: DocumentSurroundings<OwnListeners>,
): readonly Problem[] => [
  ...checkQos(place),
  ...checkPorts(place),
  ...listenersOfVnic(place).flatMap((listener) =>
    checkListener({ ...listener, document, ownListeners }),
  ),
];

type OwnListeners = {
  readonly ownListeners: ReadonlyMap<string, VnicName>;
  readonly routedPorts: ReadonlyMap<string, string>;
};

/** Maps `address:port` of every listener to the vNIC that it belongs to. */
const ownListenersOf = (document: Document): ReadonlyMap<string, VnicName> =>
  new Map(
    vnicsOf(document).flatMap((place) =>
      SOCKET_ADDRESSES.of(place).map((address) => [address, place.name] as const),
    ),
  );

const SOCKET_ADDRESSES = new Remembered(({ vnic: { ip, listeners } }: VnicPlace) =>
  listeners.map(({ port }) => socketAddressOf(normaliseClientAddress(ip), port)),
);

const checkKeyPlaces = ({ director }: Document): readonly Problem[] =>
  (["masterKey", "previousMasterKey"] as const).flatMap((name) => {
    const place = director[name];
    const [first, second] = Object.keys(place ?? {});
    if (place === undefined || (first !== undefined && second === undefined)) return [];
    const path = pathOf("director", name);
    const hint = "Set exactly one of `file`, `command` and `credential`.";
    if (second === undefined) {
      return [problemOf("missing-key", path, "It does not say where the key is.", hint)];
    }
    const message = `\`${first}\` already says where the key is.`;
    return [problemOf("forbidden-key", `${path}.${second}`, message, hint)];
  });

const checkPassphrases = ({ certificates }: Document): readonly Problem[] =>
  Object.entries(certificates).flatMap(([name, certificate]) => {
    if (certificate.source !== "files") return [];
    const { passphrase, passphraseFile } = certificate;
    if (passphrase === undefined || passphraseFile === undefined) return [];
    const place = pathOf("certificates", name, "passphrase");
    const message = "The certificate has a `passphraseFile` too.";
    return [problemOf("forbidden-key", place, message, "Remove one of the two.")];
  });

/** The normal form of each virtual IP, and why it cannot be one. */
const VIRTUAL_IPS = new Remembered(({ path, vnic: { ip } }: VnicPlace) => ({
  virtualIp: normaliseClientAddress(ip),
  problems: checkAddress(`${path}.ip`, ip, "a virtual IP"),
}));

function checkVirtualIps(vnics: readonly VnicPlace[]): readonly Problem[] {
  const owners = new Map<string, VnicName>();
  return vnics.flatMap((place) => {
    const { name, path } = place;
    const { virtualIp, problems } = VIRTUAL_IPS.of(place);
    if (problems.length > 0) return problems;
    const owner = owners.get(virtualIp);
    if (owner === undefined) {
      owners.set(virtualIp, name);
      return checkWildcard(`${path}.ip`, virtualIp);
    }
    return [
      problemOf(
        "duplicate-virtual-ip",
        `${path}.ip`,
        `The virtual IP ${virtualIp} already belongs to vNIC ${owner}.`,
      ),
    ];
  });
}

function checkWildcard(path: string, virtualIp: string): readonly Problem[] {
  if (virtualIp !== "0.0.0.0" && virtualIp !== "::") return [];
  const family = virtualIp === "::" ? "IPv6" : "IPv4";
  const message = `${virtualIp} stands for every ${family} address of the machine, so the vNIC also answers at addresses that are not its own.`;
  return [problemOf("wildcard-virtual-ip", path, message)];
}

function checkPorts({ name, path, vnic }: VnicPlace): readonly Problem[] {
  const firstIndexes = new Map<number, number>();
  return vnic.listeners.flatMap(({ port }, index) => {
    const first = firstIndexes.get(port);
    if (first === undefined) {
      firstIndexes.set(port, index);
      return [];
    }
    return [
      problemOf(
        "duplicate-port",
        `${path}.listeners[${index}].port`,
        `listeners[${first}] of vNIC ${name} already uses port ${port}.`,
      ),
    ];
  });
}

function checkQos({ path, vnic: { qos } }: VnicPlace): readonly Problem[] {
  const problems: Problem[] = [];
  if (qos.rate !== undefined) {
    const { committedBps, peakBps } = rateOf(qos.rate);
    problems.push(
      committedBps > peakBps
        ? problemOf(
            "malformed-rate",
            `${path}.qos.rate`,
            `${quoted(qos.rate)} guarantees more than its peak rate.`,
          )
        : problemOf("not-enforced-yet", `${path}.qos.rate`, "The rate is not enforced yet."),
    );
  }
  if (qos.priority !== DEFAULT_PRIORITY) {
    problems.push(
      problemOf("not-enforced-yet", `${path}.qos.priority`, "The priority is not enforced yet."),
    );
  }
  return problems;
}

function checkObserve(
  { director: { observe } }: Document,
  ownListeners: ReadonlyMap<string, VnicName>,
): readonly Problem[] {
  if (observe === undefined) return [];
  const address = trySocketAddress(observe);
  if (address === undefined || isIpAddress(address.host) === 0) {
    return [
      problemOf(
        "bad-address",
        "director.observe",
        `${quoted(observe)} is not an address and a port.`,
        "Write it as 127.0.0.1:9180 or [::1]:9180.",
      ),
    ];
  }
  const problems = checkAddress("director.observe", address.host, "an address to listen on");
  if (problems.length > 0) return problems;
  const owner = ownListeners.get(
    socketAddressOf(normaliseClientAddress(address.host), address.port),
  );
  if (owner === undefined) return [];
  return [
    problemOf(
      "address-clash",
      "director.observe",
      `A listener of vNIC ${owner} already uses this address and port.`,
    ),
  ];
}
