import Type from "typebox";
import { ListenerSchema } from "./listener.ts";
import { QosSchema } from "./qos.ts";

export const VnicSchema = Type.Object(
  {
    ip: Type.String({
      description:
        "The virtual IP, IPv4 or IPv6, but no multicast, broadcast or IPv6 link-local address. It stays with the vNIC when the profile moves.",
    }),
    admin: Type.Enum(["up", "down"], {
      default: "up",
      description: "Whether the vNIC accepts connections.",
    }),
    qos: QosSchema,
    listeners: Type.Array(ListenerSchema, {
      maxItems: 1024,
      default: [],
      description: "The listeners of the vNIC.",
    }),
  },
  { additionalProperties: false, description: "A virtual NIC, named `<vnic>.<profile>`." },
);
export type Vnic = Type.Static<typeof VnicSchema>;
