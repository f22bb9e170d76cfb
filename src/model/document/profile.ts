import Type from "typebox";
import { NAME_PATTERN } from "../names.ts";
import { ServerEntrySchema } from "./server-entry.ts";
import { VnicSchema } from "./vnic.ts";

const serverEntries = (description: string) =>
  Type.Array(ServerEntrySchema, { maxItems: 256, default: [], description });

export const ProfileSchema = Type.Object(
  {
    servers: serverEntries(
      "The servers that the profile lives on. Connections are balanced over several servers.",
    ),
    standby: serverEntries("Servers that take over while no server of `servers` is healthy."),
    balance: Type.Enum(["round-robin", "least-connections", "client-hash"], {
      default: "round-robin",
      description: "How a server is chosen. Each worker counts only its own connections.",
    }),
    vnics: Type.Record(Type.String({ pattern: NAME_PATTERN }), VnicSchema, {
      additionalProperties: false,
      default: {},
      description: "The vNICs of the profile by name.",
    }),
  },
  {
    additionalProperties: false,
    description: "A server profile: a named set of vNICs.",
  },
);
export type Profile = Type.Static<typeof ProfileSchema>;

export type Balance = Profile["balance"];
