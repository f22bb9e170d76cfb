import type { ServerEntry } from "#model/document/server-entry.ts";
import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import type { ProfileStatus } from "#model/records/status.ts";
import { spanText } from "#cli/spans.ts";
import { remarksOf, tableOf } from "#cli/table.ts";
import { onlyLike, type ShowView } from "./show-kind.ts";

type Profile = Document["profiles"][string] & ProfileStatus;
type Policy = Document["policies"][string] & {
  readonly name: string;
  /** The listeners that use it. */
  readonly listeners: readonly string[];
};

const EFFECTIVE = "/v1/document?effective=true";

/** NAME is a profile, or a pattern in which `*` stands for any characters. */
export const showProfiles: ShowView<readonly Profile[]> = {
  path: () => EFFECTIVE,
  otherPath: "/v1/profiles",
  of(reply, other) {
    const statuses = new Map((other as readonly ProfileStatus[]).map((one) => [one.name, one]));
    return Object.entries((reply as Document).profiles).flatMap(([name, profile]) => {
      const status = statuses.get(name);
      if (status === undefined) return [];
      const { servedBy, since, reason, isFlapping } = status;
      const why = reason === undefined ? {} : { reason };
      const time = since === undefined ? {} : { since };
      return [{ name, servedBy, ...time, ...why, isFlapping, ...profile }];
    });
  },
  named: (profiles, wanted) => onlyLike(profiles, wanted, ({ name }) => name),
  text: (profiles, nowMs, width) =>
    profiles.length === 0
      ? "The document has no profile.\n"
      : tableOf<Profile>(
          [
            { title: "PROFILE", cell: ({ name }) => name },
            { title: "SERVERS", cell: ({ servers }) => servers.map(entryText).join(", ") || "-" },
            { title: "STANDBY", cell: ({ standby }) => standby.map(entryText).join(", ") || "-" },
            { title: "BALANCE", cell: ({ balance }) => balance },
            { title: "VNICS", cell: ({ vnics }) => Object.keys(vnics).join(", ") || "-" },
            { title: "SERVED BY", cell: ({ servedBy }) => servedBy },
            {
              title: "SINCE",
              cell: ({ since }) =>
                since === undefined ? "-" : spanText(nowMs - Date.parse(since)),
              isNumber: true,
            },
          ],
          profiles,
          width,
        ) +
        remarksOf(
          "Profiles that standby servers or no servers serve, or whose servers are flapping",
          profiles.map(({ name, reason }) => [name, reason]),
          width,
        ),
};

function entryText({ server, weight, ports }: ServerEntry): string {
  const mapped = Object.entries(ports).map(([to, port]) => `${to}:${port}`);
  return [
    server,
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(mapped.length === 0 ? [] : [`ports ${mapped.join(" ")}`]),
  ].join(" ");
}

/** NAME is a policy, or a pattern in which `*` stands for any characters. */
export const showPolicies: ShowView<readonly Policy[]> = {
  path: () => EFFECTIVE,
  of: (reply) => {
    const document = reply as Document;
    const listenersOf = listenersByPolicy(document);
    return Object.entries(document.policies).map(([name, policy]) => ({
      name,
      ...policy,
      listeners: listenersOf.get(name)?.map((listener) => listener.name) ?? [],
    }));
  },
  named: (policies, wanted) => onlyLike(policies, wanted, ({ name }) => name),
  text: (policies, _nowMs, width) =>
    policies.length === 0
      ? "The document has no policy besides `modern` and `intermediate`.\n"
      : tableOf<Policy>(
          [
            { title: "POLICY", cell: ({ name }) => name },
            { title: "BASE", cell: ({ base }) => base },
            {
              title: "VERSIONS",
              cell: ({ minVersion = "base", maxVersion = "base" }) =>
                `${minVersion} to ${maxVersion}`,
            },
            { title: "CLIENT AUTH", cell: ({ clientAuth }) => clientAuth.mode },
            { title: "TICKETS", cell: ({ tickets }) => (tickets ? "yes" : "no") },
            { title: "LISTENERS", cell: ({ listeners }) => listeners.join(", ") || "-" },
          ],
          policies,
          width,
        ),
};

const listenersByPolicy = ({ profiles }: Document) =>
  Map.groupBy(
    Object.entries(profiles).flatMap(([profile, { vnics }]) =>
      Object.entries(vnics).flatMap(([vnic, { listeners }]) =>
        listeners.flatMap((listener) =>
          policiesOf(listener).map((policy) => ({
            name: `${vnic}.${profile}:${listener.port}`,
            policy,
          })),
        ),
      ),
    ),
    ({ policy }) => policy,
  );

/** Returns the policies of the listener and of its server names, each once. */
const policiesOf = (listener: Listener): readonly string[] => [
  ...new Set([
    ...("policy" in listener ? [listener.policy] : []),
    ...("names" in listener ? Object.values(listener.names ?? {}) : []).flatMap(
      ({ policy }) => policy ?? [],
    ),
  ]),
];
