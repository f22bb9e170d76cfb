/**
 * The defaults of schema 1 of the document, which documents of that schema contain. They are part of the format of stored
 * documents, so they stay as they are when the schema of today changes.
 */
import type { Json } from "../../json.ts";

export interface Defaults {
  /** Keys that are removed if they have these values. */
  readonly values: Readonly<Record<string, Json>>;
  /** Maps whose defaults are removed, and which are removed if nothing is left. */
  readonly filled?: Readonly<Record<string, Defaults>>;
  /** Maps whose defaults are removed. Their presence has a meaning of its own. */
  readonly optional?: Readonly<Record<string, Defaults>>;
}

export const PROFILE_DEFAULTS: Defaults = {
  values: { servers: [], standby: [], balance: "round-robin" },
};

export const VNIC_DEFAULTS: Defaults = {
  values: { admin: "up", listeners: [] },
  filled: { qos: { values: { priority: 3 } } },
};

/**
 * A listener of one mode may contain the defaults of another mode, because an early version filled in the defaults of all
 * modes. No two modes have different defaults for the same key.
 */
export const LISTENER_DEFAULTS: Defaults = {
  values: {
    mode: "tcp",
    certificates: [],
    strictServerName: false,
    policy: "intermediate",
    proxyProtocol: "none",
    acceptProxyProtocol: [],
    allowFrom: [],
    denyFrom: [],
    accessLog: "off",
  },
  filled: {
    timeouts: { values: { handshake: "10s", connect: "5s", idle: "300s", halfClosed: "30s" } },
  },
  optional: {
    endpointTls: { values: { verify: true } },
    health: { values: { type: "tcp", interval: "2s", timeout: "1s", rise: 2, fall: 3 } },
  },
};

export const CERTIFICATE_DEFAULTS: Defaults = { values: { source: "files" } };

export const POLICY_DEFAULTS: Defaults = {
  values: { base: "intermediate", alpn: [], tickets: true },
  filled: { clientAuth: { values: { mode: "none", partialChain: false } } },
};
