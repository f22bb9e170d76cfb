import type { Problem } from "../failure.ts";
import type { ListenerMode } from "../listener-mode.ts";
import type { Listener, ListenerOf } from "./listener.ts";
import {
  checkCidrs,
  type ListenerContext,
  type ModeRules,
  type Target,
  type TargetPlace,
} from "./mode-rules.ts";
import { egressRules } from "./modes/egress.ts";
import { httpRules } from "./modes/http.ts";
import { redirectRules } from "./modes/redirect.ts";
import { tcpRules } from "./modes/tcp.ts";

const MODE_RULES = {
  tcp: tcpRules,
  http: httpRules,
  redirect: redirectRules,
  egress: egressRules,
} satisfies { readonly [Mode in ListenerMode]: ModeRules<ListenerOf<Mode>> };

const rulesOf = ({ mode }: Listener): ModeRules<Listener> => MODE_RULES[mode];

export const checkListener = (context: ListenerContext): readonly Problem[] => [
  ...rulesOf(context.listener).check(context),
  ...checkCidrs(`${context.path}.allowFrom`, context.listener.allowFrom),
  ...checkCidrs(`${context.path}.denyFrom`, context.listener.denyFrom),
];

/** Returns the names of the certificates that the listener refers to. */
export const certificatesOf = (listener: Listener): readonly string[] =>
  rulesOf(listener).certificatesOf(listener);

/** Whether the listener has no effect in a profile without a server. */
export const needsServer = (listener: Listener): boolean => rulesOf(listener).needsServer;

/** Returns the hosts and ports of the listener's endpoints. */
export const targetsOf = (place: TargetPlace): readonly Target[] =>
  rulesOf(place.listener).targetsOf(place);
