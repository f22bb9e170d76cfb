import { listedNamesOf } from "#model/document/names-option.ts";
import { pathOf } from "#model/problem.ts";
import type { ClientTls } from "./control-mode.ts";

/** A policy and certificates that a listener uses together for some clients. */
export interface ClientTlsUse extends Pick<ClientTls, "policy" | "certificates"> {
  /** The paths of the two settings, relative to the listener. */
  readonly policyPath: string;
  readonly certificatesPath: string;
}

/** Returns how a listener terminates the TLS of clients, each way once: first that of the listener, then those of its names. */
export function clientTlsUsesOf(tls: ClientTls): readonly ClientTlsUse[] {
  const { policy, certificates } = tls;
  const uses = new Map<string, ClientTlsUse>();
  const add = (use: ClientTlsUse): void => {
    const key = JSON.stringify([use.policy, use.certificates]);
    if (!uses.has(key)) uses.set(key, use);
  };
  add({ policy, certificates, policyPath: "policy", certificatesPath: "certificates" });
  for (const entry of listedNamesOf(tls)) {
    if (entry.policy === undefined && entry.certificates === undefined) continue;
    const place = pathOf("names", entry.key);
    add({
      policy: entry.policy ?? policy,
      certificates: entry.certificates ?? certificates,
      policyPath: entry.policy === undefined ? "policy" : `${place}.policy`,
      certificatesPath: entry.certificates === undefined ? "certificates" : `${place}.certificates`,
    });
  }
  return [...uses.values()];
}
