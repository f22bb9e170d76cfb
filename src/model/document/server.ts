import Type from "typebox";

export const ServerSchema = Type.Object(
  {
    address: Type.String({
      description: "IPv4 or IPv6 address of the server. Names are not resolved.",
    }),
  },
  { additionalProperties: false, description: "An attached host." },
);

/** A server carries at most this many vNICs, as on the I/O Director. */
export const MAX_VNICS_PER_SERVER = 32;
