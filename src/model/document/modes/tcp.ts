/**
 * Mode tcp: the TLS of clients is terminated, and the plaintext is relayed to a server of the profile or to a unix
 * socket.
 */
import Type from "typebox";
import { ANNOUNCING_OPTIONS, ENDPOINT_OPTIONS } from "../endpoint-options.ts";
import {
  CLIENT_TLS_OPTIONS,
  COMMON_OPTIONS,
  modeOption,
  portOption,
  PROXIED_OPTIONS,
  toServersOption,
} from "../listener-options.ts";
import type { ModeRules } from "../mode-rules.ts";
import { NAMES_OPTIONS } from "../names-option.ts";
import { terminatingRules } from "../terminating-rules.ts";

export const TcpListenerSchema = Type.Object(
  {
    port: portOption,
    mode: modeOption("tcp", "terminates TLS and relays plaintext"),
    to: toServersOption,
    ...CLIENT_TLS_OPTIONS,
    ...NAMES_OPTIONS,
    ...ANNOUNCING_OPTIONS,
    ...PROXIED_OPTIONS,
    ...ENDPOINT_OPTIONS,
    ...COMMON_OPTIONS,
  },
  { additionalProperties: false, description: "A listener of mode tcp." },
);
export type TcpListener = Type.Static<typeof TcpListenerSchema>;

export const tcpRules: ModeRules<TcpListener> = terminatingRules;
