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
    standby: serverEntries(
      "Servers that take over while no server of `servers` can serve: each is drained, down, has weight 0 or fails its active checks. The director decides this for the whole profile, so listeners of mode tcp or http that lead to a port are checked by tcp with the defaults of `health` if they have none.",
    ),
    failback: Type.Enum(["auto", "manual"], {
      default: "auto",
      description:
        "When the servers serve again after the standby servers have taken over. `auto`: as soon as they are up. `manual`: when they are up and the operator runs `tlsd failback`.",
    }),
    balance: Type.Enum(["round-robin", "least-connections", "client-hash"], {
      default: "round-robin",
      description:
        "How a server is chosen, in proportion to the weights. Each worker counts only its own connections. `client-hash` keeps each client address on one server: when a seventh server of the same weight is added, a seventh of the clients move to it and the others stay.",
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
export type Failback = Profile["failback"];
