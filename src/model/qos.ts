import Type from "typebox";
import { RATE_PATTERN } from "./units.ts";

const limit = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000, description }));

export const DEFAULT_PRIORITY = 3;

export const QosSchema = Type.Object(
  {
    rate: Type.Optional(
      Type.String({
        pattern: RATE_PATTERN,
        description:
          "`<committed>_<peak>` in bits a second, each direction, e.g. `100m_1g`. Checked and shown; not enforced yet.",
      }),
    ),
    priority: Type.Integer({
      minimum: 0,
      maximum: 7,
      default: DEFAULT_PRIORITY,
      description: "0 to 7, 7 is the highest. Checked and shown; not enforced yet.",
    }),
    maxConnections: limit(
      "Open connections of the vNIC, over all workers. No limit of its own when absent.",
    ),
    handshakesPerSecond: limit(
      "New connections a second of the vNIC, over all workers. No limit when absent.",
    ),
    handshakesPerSecondPerAddress: limit(
      "New connections a second of one client address (IPv6: of one /64), counted by each worker. No limit when absent.",
    ),
  },
  { additionalProperties: false, default: {}, description: "What the vNIC may use." },
);
export type Qos = Type.Static<typeof QosSchema>;
