import Type from "typebox";
import { NAME_PATTERN } from "./names.ts";
import { VnicSchema } from "./vnic.ts";

const serverNames = (description: string) =>
  Type.Array(Type.String({ pattern: NAME_PATTERN }), { maxItems: 256, default: [], description });

export const ProfileSchema = Type.Object(
  {
    servers: serverNames(
      "The servers that it lives on. Several are a fleet, over which connections are balanced.",
    ),
    standby: serverNames("Servers that take over while none of the others is healthy."),
    balance: Type.Enum(["round-robin", "least-connections", "client-hash"], {
      default: "round-robin",
      description: "How a server is chosen. A worker counts its own connections only.",
    }),
    vnics: Type.Record(Type.String({ pattern: NAME_PATTERN }), VnicSchema, {
      additionalProperties: false,
      default: {},
      description: "Its vNICs by name.",
    }),
  },
  {
    additionalProperties: false,
    description: "A server profile: a named identity, a set of vNICs.",
  },
);
export type Profile = Type.Static<typeof ProfileSchema>;
export type Balance = Profile["balance"];
