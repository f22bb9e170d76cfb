import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { MaterialId } from "#model/names.ts";
import { HeldKey } from "#control/certificates/held-key.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type CertificateVersion,
  type Sources,
  type TrustVersion,
} from "#control/certificates/sources.ts";

export const certificateOf = (name: string): CertificateVersion => ({
  id: `certificate ${name}` as MaterialId,
  material: { kind: "certificate", chainPem: name, key: HeldKey.clear(name) },
  facts: {
    names: ["shop.example"],
    keyType: "ecdsa",
    keySize: 256,
    curve: "P-256",
    subject: "",
    issuer: "",
    serialNumber: "",
    fingerprint: "",
    spkiPin: "",
    notBeforeMs: 0,
    notAfterMs: 1,
  },
  bunRefusal: undefined,
  isForServers: true,
  signing: { keySchemes: [], chainSchemes: [] },
  chain: { certificates: [], isPublic: false },
});

const trustOf = (key: string): TrustVersion => ({
  id: `trust ${key}` as MaterialId,
  material: { kind: "trust", caPem: key, crlPem: undefined },
  validity: { authorities: [], lists: [] },
});

/** Returns versions of everything that the document names, of which `isLost` loses some. */
export function sourcesFor(document: Document, isLost: (key: string) => boolean): Sources {
  const authorities = Object.values(document.policies).flatMap(({ clientAuth: { ca, crl } }) =>
    ca === undefined ? [] : [trustKeyOf(ca, crl)],
  );
  const ofEndpoints = listenersOf(document).flatMap(({ listener }) =>
    "endpointTls" in listener && listener.endpointTls?.ca !== undefined
      ? [trustKeyOf(listener.endpointTls.ca, undefined)]
      : [],
  );
  const keys = [SYSTEM_TRUST_KEY, ...authorities, ...ofEndpoints];
  const names = Object.keys(document.certificates);
  const kept = (all: readonly string[]): readonly string[] => all.filter((key) => !isLost(key));
  return {
    certificates: new Map(kept(names).map((name) => [name, certificateOf(name)])),
    trusts: new Map(kept(keys).map((key) => [key, trustOf(key)])),
  };
}
