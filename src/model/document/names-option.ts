/** What a listener does for clients of certain server names. */
import Type from "typebox";
import { tryNameOrWildcard } from "../tls/server-name.ts";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { toOption } from "./listener-options.ts";
import { NAME_PATTERN } from "../names.ts";
import { frozen, Remembered } from "../remembered.ts";

export const MAX_NAMES = 10_000;
/** Each change of a listener sends these to the workers with the listener. */
export const MAX_NAME_ROUTES = 1_000;
export const MAX_NAME_POLICIES = 1_000;

/** Rules check the names, because their messages can say more. */
export const SERVER_NAME_KEY_PATTERN = "^[^\\0-\\x20]{1,255}$";

const NameEntrySchema = Type.Object(
  {
    certificates: Type.Optional(
      Type.Array(Type.String({ pattern: CERTIFICATE_NAME_PATTERN }), {
        minItems: 1,
        maxItems: 64,
        isUnique: true,
        description:
          "Names of the certificates for these clients. The first is the default; the others are chosen by server name and key type. If they are not set, they are those of the listener.",
      }),
    ),
    policy: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description:
          "The policy for these clients, including the authentication of clients. If it is not set, it is that of the listener.",
      }),
    ),
    profile: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description:
          "The profile whose servers these clients reach, with its balance and its standby. If it is not set, it is the profile of the listener.",
      }),
    ),
    to: Type.Optional(
      toOption(
        "The port on these servers, or `unix:/path/to/socket`. If it is not set, it is the `to` of the listener.",
      ),
    ),
  },
  {
    additionalProperties: false,
    description: "What differs from the listener for clients of a server name.",
  },
);
export type NameEntry = Type.Static<typeof NameEntrySchema>;
export type Names = Readonly<Record<string, NameEntry>>;

/** The option of modes that terminate the TLS of clients and use endpoints. */
export const NAMES_OPTIONS = {
  names: Type.Optional(
    Type.Record(Type.String({ pattern: SERVER_NAME_KEY_PATTERN }), NameEntrySchema, {
      additionalProperties: false,
      maxProperties: MAX_NAMES,
      description:
        "Certificates, policy and endpoints by server name: shop.example.com, or *.example.com for every name with one more label. A name comes before a wildcard. The listener itself is for clients of other names, and for those that send none.",
    }),
  ),
};

/** A listener of a mode that has the option. */
export interface NamedListener {
  readonly policy: string;
  readonly certificates: readonly string[];
  readonly to: number | string;
  readonly names?: Names | undefined;
}

/** An entry in its normal form. */
export interface ListedName extends NameEntry {
  /** The name in lower case, without a trailing dot. */
  readonly name: string;
  /** The name as it is written. */
  readonly key: string;
}

const NO_NAMES: readonly ListedName[] = [];

const LISTED = new Remembered((names: Names): readonly ListedName[] =>
  Object.entries(names).flatMap(([key, entry]) => {
    const name = tryNameOrWildcard(key);
    return name === undefined ? [] : [{ ...entry, name, key }];
  }),
);

/** Returns the entries with valid names, in the order of the document. */
export const listedNamesOf = ({ names }: Pick<NamedListener, "names">): readonly ListedName[] =>
  names === undefined ? NO_NAMES : LISTED.of(frozen(names));

/** Where clients of some names are sent to. */
export interface NameRoute {
  /** Undefined if it is the profile of the listener. */
  readonly profile: string | undefined;
  readonly to: number | string;
  /** The first entry with the route. */
  readonly key: string;
  /** The setting of that entry that leads away from the endpoints of the listener. */
  readonly setting: "profile" | "to";
}

/** Returns a text that is the same for all entries with the same route, or undefined if the route is that of the listener. */
export function tryRouteKeyOf(
  { profile, to }: Pick<NameEntry, "profile" | "to">,
  listener: Pick<NamedListener, "to">,
): string | undefined {
  const port = to === listener.to ? undefined : to;
  return profile === undefined && port === undefined
    ? undefined
    : `${profile ?? ""} ${port ?? listener.to}`;
}

const NO_ROUTES: ReadonlyMap<string, NameRoute> = new Map();

const ROUTES = new Remembered((listener: NamedListener): ReadonlyMap<string, NameRoute> => {
  const routes = new Map<string, NameRoute>();
  for (const entry of listedNamesOf(listener)) {
    const { profile, to, key } = entry;
    const route = tryRouteKeyOf(entry, listener);
    if (route === undefined || routes.has(route)) continue;
    const setting = profile === undefined ? "to" : "profile";
    routes.set(route, { profile, to: to ?? listener.to, key, setting });
  }
  return routes;
});

/** Returns the routes of the names of a listener that differ from its own, by `tryRouteKeyOf`. */
export const nameRoutesOf = (listener: NamedListener): ReadonlyMap<string, NameRoute> =>
  listener.names === undefined ? NO_ROUTES : ROUTES.of(listener);
