/**
 * Mode http: the TLS of clients is terminated, and their requests are sent to a server of the profile or to a unix socket
 * (RFC 9110, RFC 9112).
 */
import Type from "typebox";
import { checkHttpOptions } from "../check-http-options.ts";
import { ANNOUNCING_OPTIONS, ENDPOINT_OPTIONS } from "../endpoint-options.ts";
import { HTTP_OPTIONS, REQUEST_OPTIONS } from "../http-options.ts";
import {
  CLIENT_TLS_OPTIONS,
  modeOption,
  portOption,
  PROXIED_OPTIONS,
  toServersOption,
} from "../listener-options.ts";
import type { ModeRules } from "../mode-rules.ts";
import { NAMES_OPTIONS } from "../names-option.ts";
import { terminatingRules } from "../terminating-rules.ts";

export const HttpListenerSchema = Type.Object(
  {
    port: portOption,
    mode: modeOption("http", "terminates TLS and forwards HTTP requests"),
    to: toServersOption,
    ...CLIENT_TLS_OPTIONS,
    ...NAMES_OPTIONS,
    ...ANNOUNCING_OPTIONS,
    ...PROXIED_OPTIONS,
    ...ENDPOINT_OPTIONS,
    ...REQUEST_OPTIONS,
    ...HTTP_OPTIONS,
  },
  { additionalProperties: false, description: "A listener of mode http." },
);
export type HttpListener = Type.Static<typeof HttpListenerSchema>;

export const httpRules: ModeRules<HttpListener> = {
  ...terminatingRules,
  check: (context) => [...terminatingRules.check(context), ...checkHttpOptions(context)],
};
