import { createHash, hkdfSync } from "node:crypto";
import type { MaterialId } from "#model/names.ts";
import {
  defined,
  type Material,
  type SnapshotClientPolicy,
  type SnapshotEndpoints,
} from "#model/records/snapshot.ts";
import { RecentMap } from "../live/recent-map.ts";
import type { Wire, WireContext } from "../wire/wire.ts";

/**
 * How much memory the contexts may take. A new context replaces the least recently used ones, which are built again on
 * their next use. On Node these are about 1,700 contexts without CA sets, on Bun about 8,000.
 */
const MAX_CONTEXT_BYTES = 64 * 1_048_576;

const TICKET_KEY_BYTES = 48;
/** The maximum length of a session id context in OpenSSL. */
const SESSION_ID_CONTEXT_CHARACTERS = 32;

interface Entry {
  readonly context: WireContext;
  readonly sessionScope: string;
  /** The session scope in the snapshot for which the context is kept. That of a name with certificates of its own derives from it. */
  readonly keptFor: string;
  readonly material: readonly MaterialId[];
}

/**
 * The TLS contexts of a worker, by their settings. In steady state, no connection builds a context. Material is kept by
 * its fingerprint while a snapshot refers to it.
 */
export class ContextStore {
  readonly #wire: Pick<Wire, "buildContext">;
  readonly #material = new Map<MaterialId, Material>();
  readonly #contexts = new RecentMap<string, Entry>(
    MAX_CONTEXT_BYTES,
    ({ context }) => context.memoryBytes,
  );
  #ticketBaseKey: Buffer | undefined;

  constructor(wire: Pick<Wire, "buildContext">) {
    this.#wire = wire;
  }

  addMaterial(material: Readonly<Record<MaterialId, Material>>): void {
    for (const [id, value] of Object.entries(material)) this.#material.set(id as MaterialId, value);
  }

  /** Returns undefined if the material has not arrived. */
  materialOf(id: MaterialId): Material | undefined {
    return this.#material.get(id);
  }

  /**
   * Throws if the engine refuses the certificate or the policy. `keptFor` is the session scope in the snapshot for which the context is
   * kept.
   */
  forClients(
    { sessionScope, policy, clientAuth }: SnapshotClientPolicy,
    certificate: MaterialId,
    keptFor = sessionScope,
  ): WireContext {
    const ids = clientAuth.trust === undefined ? [certificate] : [certificate, clientAuth.trust];
    const scopes = { sessionScope, keptFor };
    return this.#get(`client ${sessionScope} ${certificate}`, scopes, ids, () =>
      this.#wire.buildContext({
        ...this.#pair(certificate),
        ...this.#trust(clientAuth.trust),
        trustsSystem: false,
        partialChain: clientAuth.partialChain,
        minVersion: policy.minVersion,
        maxVersion: policy.maxVersion,
        cipherSuites: policy.cipherSuites,
        groups: policy.groups,
        tickets: policy.tickets,
        sessionIdContext: sessionIdContextOf(sessionScope),
        ticketKeys:
          this.#ticketBaseKey === undefined
            ? undefined
            : ticketKeysOf(this.#ticketBaseKey, sessionScope),
      }),
    );
  }

  /** Returns undefined if the endpoints of the listener use plaintext. */
  forEndpoints(
    listener: SnapshotEndpoints,
    certificate: MaterialId | undefined,
  ): WireContext | undefined {
    const { endpointTls, policy, sessionScope } = listener;
    if (endpointTls === undefined) return undefined;
    const ids = defined([certificate, endpointTls.trust]);
    const scopes = { sessionScope, keptFor: sessionScope };
    return this.#get(`endpoint ${sessionScope} ${ids.join(" ")}`, scopes, ids, () =>
      this.#wire.buildContext({
        ...this.#pair(certificate),
        ...this.#trust(endpointTls.trust),
        trustsSystem: true,
        partialChain: false,
        minVersion: policy.minVersion,
        maxVersion: policy.maxVersion,
        cipherSuites: policy.cipherSuites,
        groups: policy.groups,
        tickets: true,
        sessionIdContext: undefined,
        ticketKeys: undefined,
      }),
    );
  }

  /** Whether the CA set contains the certificate with this DER encoding. */
  isAuthority(trust: MaterialId, der: Uint8Array): boolean {
    const material = this.#material.get(trust);
    if (material?.kind !== "trust") return false;
    return material.caPem.replaceAll("\n", "").includes(Buffer.from(der).toString("base64"));
  }

  /** Sets the key that new tickets are encrypted with. Tickets of the previous key lead to a full handshake. */
  setTicketBaseKey(key: Buffer): void {
    this.#ticketBaseKey = key;
    for (const { context, sessionScope } of this.#contexts.values()) {
      context.setTicketKeys(ticketKeysOf(key, sessionScope));
    }
  }

  /** Drops the contexts and material of other session scopes and ids. Connections keep the contexts that they use. */
  keepOnly(scopes: ReadonlySet<string>, materials: ReadonlySet<MaterialId>): void {
    this.#contexts.deleteWhere(
      (entry) => !scopes.has(entry.keptFor) || entry.material.some((id) => !materials.has(id)),
    );
    for (const id of this.#material.keys()) if (!materials.has(id)) this.#material.delete(id);
  }

  /** How much memory the contexts take by the estimate of the engine. */
  get contextBytes(): number {
    return this.#contexts.weight;
  }

  #get(
    key: string,
    scopes: Pick<Entry, "sessionScope" | "keptFor">,
    material: readonly MaterialId[],
    build: () => WireContext,
  ): WireContext {
    return this.#contexts.use(key, () => ({ context: build(), ...scopes, material })).context;
  }

  #pair(id: MaterialId | undefined): { chainPem: string | undefined; keyPem: string | undefined } {
    if (id === undefined) return { chainPem: undefined, keyPem: undefined };
    const material = this.#material.get(id);
    if (material?.kind !== "certificate") throw new Error("The certificate has not arrived.");
    return { chainPem: material.chainPem, keyPem: material.keyPem };
  }

  #trust(id: MaterialId | undefined): { caPem: string | undefined; crlPem: string | undefined } {
    if (id === undefined) return { caPem: undefined, crlPem: undefined };
    const material = this.#material.get(id);
    if (material?.kind !== "trust") throw new Error("The CA set has not arrived.");
    return { caPem: material.caPem, crlPem: material.crlPem };
  }
}

/**
 * Returns the ticket keys of one session scope: a listener, a policy, its CA set, its CRL and its trust anchors, and the certificates of
 * a server name that has some of its own. A
 * session cannot be resumed in another scope, so that no client bypasses a client certificate check that it has not
 * passed (RFC 5869, RFC 5077 section 5.5).
 */
export function ticketKeysOf(baseKey: Buffer, sessionScope: string): Buffer {
  return Buffer.from(
    hkdfSync("sha256", baseKey, "", `tlsd ticket keys ${sessionScope}`, TICKET_KEY_BYTES),
  );
}

function sessionIdContextOf(sessionScope: string): string {
  return createHash("sha256")
    .update(sessionScope)
    .digest("hex")
    .slice(0, SESSION_ID_CONTEXT_CHARACTERS);
}
