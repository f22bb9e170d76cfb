import Type, { type TObject } from "typebox";
import { LISTENER_MODES, type ListenerMode } from "../listener-mode.ts";
import { EgressListenerSchema } from "./modes/egress.ts";
import { HttpListenerSchema } from "./modes/http.ts";
import { RedirectListenerSchema } from "./modes/redirect.ts";
import { TcpListenerSchema } from "./modes/tcp.ts";
import { discriminatedUnion, type SchemaNode } from "./discriminated-union.ts";

const LISTENER_SCHEMAS = {
  tcp: TcpListenerSchema,
  http: HttpListenerSchema,
  redirect: RedirectListenerSchema,
  egress: EgressListenerSchema,
} satisfies { readonly [Mode in ListenerMode]: TObject };

export type ListenerOf<Mode extends ListenerMode> = Type.Static<(typeof LISTENER_SCHEMAS)[Mode]>;
export type { ListenerMode };
export type Listener = { [Mode in ListenerMode]: ListenerOf<Mode> }[ListenerMode];

const DEFAULT_MODE: ListenerMode = "tcp";

const meanings = LISTENER_MODES.map((mode) => {
  const { description }: SchemaNode = LISTENER_SCHEMAS[mode].properties.mode;
  return `\`${mode}\` ${description}`;
});

/** A listener is checked by the schema of its mode. */
export const ListenerSchema = Type.Unsafe<Listener>(
  discriminatedUnion(
    "mode",
    LISTENER_MODES.map((mode): TObject => LISTENER_SCHEMAS[mode]),
    Type.Enum([...LISTENER_MODES], {
      default: DEFAULT_MODE,
      description: `${meanings.join("; ")}.`,
    }),
    "One port of a vNIC.",
  ),
);
