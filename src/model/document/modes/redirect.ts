/** Mode redirect: each plain HTTP request is answered with a redirection to https. */
import Type from "typebox";
import type { Problem } from "../../failure.ts";
import { problemOf, quoted } from "../../problem.ts";
import {
  COMMON_OPTIONS,
  modeOption,
  portOption,
  PROXIED_OPTIONS,
  toOption,
} from "../listener-options.ts";
import { checkCidrs, type ListenerContext, type ModeRules } from "../mode-rules.ts";

export const RedirectListenerSchema = Type.Object(
  {
    port: portOption,
    mode: modeOption("redirect", "answers plain HTTP with a redirection (308) to https"),
    to: Type.Optional(toOption("The https port. If it is not set, it is 443.")),
    ...PROXIED_OPTIONS,
    ...COMMON_OPTIONS,
  },
  { additionalProperties: false, description: "A listener of mode redirect." },
);
export type RedirectListener = Type.Static<typeof RedirectListenerSchema>;

export const redirectRules: ModeRules<RedirectListener> = {
  needsServer: false,
  certificatesOf: () => [],
  targetsOf: () => [],
  check: (context) => [
    ...checkTo(context),
    ...checkCidrs(`${context.path}.acceptProxyProtocol`, context.listener.acceptProxyProtocol),
  ],
};

function checkTo({
  path,
  listener: { to },
}: ListenerContext<RedirectListener>): readonly Problem[] {
  if (to === undefined || typeof to === "number") return [];
  const message = `${quoted(to)} is not the https port of the redirect.`;
  const hint = "Write a port, or remove the key for port 443.";
  return [problemOf("bad-endpoint", `${path}.to`, message, hint)];
}
