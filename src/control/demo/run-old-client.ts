import { connect } from "node:tls";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { controlModeOf } from "../control-mode.ts";

const DEADLINE_MS = 5_000;

/**
 * Connects once with TLS 1.2 to the first listener with the policy `modern`, which accepts only TLS 1.3, so that `tlsd show handshakes`
 * has a failure to explain. Resolves to the vNIC of the listener when the handshake has failed, or to undefined if it did not fail or
 * if there is no such listener.
 */
export async function runOldClient(document: Document): Promise<string | undefined> {
  const place = listenersOf(document).find(
    ({ listener }) => controlModeOf(listener).clientTlsOf(listener)?.policy === "modern",
  );
  if (place === undefined) return undefined;
  const { owner, listener } = place;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const client = connect({
    host: owner.vnic.ip,
    port: listener.port,
    maxVersion: "TLSv1.2",
    timeout: DEADLINE_MS,
  });
  client.on("secureConnect", () => resolve(false));
  client.on("timeout", () => resolve(false));
  client.on("error", () => resolve(true));
  const hasFailed = await promise;
  client.destroy();
  return hasFailed ? owner.name : undefined;
}
