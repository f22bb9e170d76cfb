import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { CertificateUse } from "#model/records/certificate-detail.ts";
import { materialOfListener } from "./listener-material.ts";

export type CertificateUses = Pick<ReadonlyMap<string, readonly CertificateUse[]>, "get">;

/** A document is immutable, and its uses are read at every scrape. */
const known = new WeakMap<Document, CertificateUses>();

/** Returns the references of the listeners of a document to each certificate. */
export function certificateUsesOf(document: Document): CertificateUses {
  const before = known.get(document);
  if (before !== undefined) return before;
  const uses = new Map<string, CertificateUse[]>();
  const add = (name: string, use: CertificateUse): void => {
    const others = uses.get(name);
    if (others === undefined) uses.set(name, [use]);
    else others.push(use);
  };
  for (const { name: listener, path, listener: spec } of listenersOf(document)) {
    const { certificates, certificatesOfNames, endpointCertificate } = materialOfListener(
      spec,
      document,
    );
    for (const [at, name] of certificates.entries()) {
      add(name, { listener, path: `${path}.certificates[${at}]`, shownTo: "clients" });
    }
    for (const { name, path: place } of certificatesOfNames) {
      add(name, { listener, path: `${path}.${place}`, shownTo: "clients" });
    }
    if (endpointCertificate !== undefined) {
      const place = `${path}.endpointTls.certificate`;
      add(endpointCertificate, { listener, path: place, shownTo: "endpoints" });
    }
  }
  known.set(document, uses);
  return uses;
}
