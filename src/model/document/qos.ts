import Type from "typebox";
import { RATE_PATTERN } from "../units.ts";

const limit = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000, description }));

export const DEFAULT_PRIORITY = 3;

export const QosSchema = Type.Object(
  {
    rate: Type.Optional(
      Type.String({
        pattern: RATE_PATTERN,
        description:
          "`<committed>_<peak>` in bits per second in each direction, e.g. `100m_1g`. It is checked and shown, but not enforced yet.",
      }),
    ),
    priority: Type.Integer({
      minimum: 0,
      maximum: 7,
      default: DEFAULT_PRIORITY,
      description: "0 to 7, where 7 is the highest. It is checked and shown, but not enforced yet.",
    }),
    maxConnections: limit(
      "How many connections the vNIC may have open, over all workers. If it is not set, only the limit of the director applies.",
    ),
    handshakesPerSecond: limit(
      "New connections per second of the vNIC, over all workers. If it is not set, there is no limit.",
    ),
    handshakesPerSecondPerAddress: limit(
      "New connections per second from one client address (IPv6: from one /64). Each worker counts on its own. If it is not set, there is no limit.",
    ),
  },
  { additionalProperties: false, default: {}, description: "Limits of the vNIC." },
);
export type Qos = Type.Static<typeof QosSchema>;
