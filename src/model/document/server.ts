import Type from "typebox";

/** The states of a server that an operator can ask for. */
export const SERVER_ADMINS = ["up", "drain", "down"] as const;

export const ServerSchema = Type.Object(
  {
    address: Type.String({
      description:
        "IPv4 or IPv6 address of the server, but no multicast, broadcast or IPv6 link-local address. Names are not resolved.",
    }),
    admin: Type.Enum([...SERVER_ADMINS], {
      default: "up",
      description:
        "`drain` and `down` give the server no new connections, and those that are open go on. With `down` its endpoints are not checked.",
    }),
  },
  { additionalProperties: false, description: "An attached host." },
);

export type ServerAdmin = (typeof SERVER_ADMINS)[number];

/** A server carries at most this many vNICs, as on the I/O Director. */
export const MAX_VNICS_PER_SERVER = 32;
