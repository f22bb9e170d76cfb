/** A server in the lists of a profile. */
import Type from "typebox";
import { isJsonMap, type Json } from "../json.ts";
import { NAME_PATTERN, PORT_PATTERN } from "../names.ts";

export const ServerEntrySchema = Type.Object(
  {
    server: Type.String({ pattern: NAME_PATTERN, description: "Name of the server." }),
    ports: Type.Record(
      Type.String({ pattern: PORT_PATTERN }),
      Type.Integer({ minimum: 1, maximum: 65_535 }),
      {
        additionalProperties: false,
        default: {},
        description:
          "The ports on this server, by the `to` of the listeners. A listener whose `to` is not here uses that port, e.g. `{ 8080: 18080 }`.",
      },
    ),
    weight: Type.Integer({
      minimum: 0,
      maximum: 256,
      default: 1,
      description:
        "The share of the connections that the server gets, in proportion to the weights of the others. With 0, it gets no new connections.",
    }),
  },
  {
    additionalProperties: false,
    shortKey: "server",
    description: "A server of a profile: its name, or a map.",
  },
);
export type ServerEntry = Type.Static<typeof ServerEntrySchema>;

/** Returns the names of the servers on which the profile can be served, also on standby. */
export const serverNamesOf = ({
  servers,
  standby,
}: {
  readonly servers: readonly ServerEntry[];
  readonly standby: readonly ServerEntry[];
}): readonly string[] => [...servers, ...standby].map(({ server }) => server);

/** Returns the name of the server in an entry as it is written, or "" if the entry names none. */
export function serverNameOf(entry: Json): string {
  const name = isJsonMap(entry) ? entry["server"] : entry;
  return typeof name === "string" ? name : "";
}

/** Returns the port that listeners with this `to` use on the server. */
export const portOn = ({ ports }: ServerEntry, to: number): number =>
  Object.hasOwn(ports, to) ? (ports[to] ?? to) : to;
