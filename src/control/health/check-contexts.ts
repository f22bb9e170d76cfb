import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Material } from "#model/records/snapshot.ts";
import { pemBlocksOf } from "#model/tls/pem-blocks.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type HeldCertificate,
  type Sources,
} from "../certificates/sources.ts";
import { untried, type Untried } from "./check-result.ts";
import type { CheckTls } from "./check-settings.ts";

/** The TLS contexts of the checks, by their settings. A run of a check builds no context if nothing has changed. */
export class CheckContexts {
  #sources: Sources = { certificates: new Map(), trusts: new Map() };
  #contexts = new Map<string, SecureContext>();

  /** Takes the certificates and CA bundles that are in force now. Contexts with others are built again on their next use. */
  follow(sources: Sources): void {
    if (sources === this.#sources) return;
    this.#sources = sources;
    this.#contexts = new Map();
  }

  /** Returns why there is no context if the CA bundle or the certificate cannot be used at present. */
  contextOf(settings: CheckTls): SecureContext | Untried {
    const { verify, ca, certificate, policy } = settings;
    const key = JSON.stringify([verify, ca ?? null, certificate ?? null, policy]);
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const { trusts, certificates } = this.#sources;
    const trust = trusts.get(ca === undefined ? SYSTEM_TRUST_KEY : trustKeyOf(ca, undefined));
    const own = certificate === undefined ? undefined : certificates.get(certificate);
    if (verify && trust === undefined) {
      return untried(`the CA bundle ${ca ?? "of the system"} cannot be used`);
    }
    if (certificate !== undefined && own === undefined) {
      return untried(`certificate ${certificate} cannot be used`);
    }
    const context = buildContext(policy, trust?.material, own?.material);
    this.#contexts.set(key, context);
    return context;
  }
}

/** Uses the settings that a worker uses with the endpoint. */
const buildContext = (
  { minVersion, maxVersion, cipherSuites, groups }: CheckTls["policy"],
  trust: Extract<Material, { readonly kind: "trust" }> | undefined,
  own: HeldCertificate | undefined,
): SecureContext =>
  createSecureContext({
    ...(trust === undefined ? {} : { ca: pemBlocksOf(trust.caPem) ?? [] }),
    ...(own === undefined ? {} : { cert: own.chainPem, key: own.key.open() }),
    minVersion,
    maxVersion,
    ciphers: cipherSuites.join(":"),
    ecdhCurve: groups.join(":"),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  });
