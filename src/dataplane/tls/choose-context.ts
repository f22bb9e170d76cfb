import type { CertificateName } from "#model/names.ts";
import type { WireContext } from "../wire/wire.ts";
import { sharesVersion } from "./classify-handshake-failure.ts";
import type { ClientHello } from "./client-hello.ts";
import type { ContextStore } from "./context-store.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export type ContextChoice =
  | { readonly certificateName: CertificateName; readonly context: WireContext }
  | { readonly failure: "unsupported-version" | "unknown-name" }
  | {
      readonly certificateName: CertificateName;
      readonly failure: "internal";
      readonly detail: string;
    };

/**
 * Chooses the TLS context before the TLS socket exists, so that the whole policy applies to the server name. A context
 * that is set in an SNI callback could change only part of it. The version is checked before the name, and not by the
 * engine, because Node sends another alert for some old versions.
 */
export function chooseContext(
  contexts: ContextStore,
  { certificates, spec, keptFor }: Pick<TlsIdentity, "certificates" | "spec" | "keptFor">,
  hello: ClientHello,
  atMs: number,
): ContextChoice {
  if (!sharesVersion(hello, spec.policy)) return { failure: "unsupported-version" };
  const certificate = certificates.select(hello, atMs);
  if (certificate === undefined) return { failure: "unknown-name" };
  const certificateName = certificate.name;
  try {
    return { certificateName, context: contexts.forClients(spec, certificate.material, keptFor) };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return { certificateName, failure: "internal", detail };
  }
}
