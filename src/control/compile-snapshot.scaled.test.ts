import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { effectiveOf } from "#model/document/written-document.ts";
import type { MaterialId } from "#model/names.ts";
import { acceptedDocuments } from "#harness/arbitrary-document.ts";
import { scaled } from "#harness/run-length.ts";
import {
  SYSTEM_TRUST_KEY,
  trustKeyOf,
  type CertificateVersion,
  type Sources,
  type TrustVersion,
} from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";

const certificateOf = (name: string): CertificateVersion => ({
  id: `certificate ${name}` as MaterialId,
  material: { kind: "certificate", chainPem: name, keyPem: name },
  facts: {
    names: ["shop.example"],
    keyType: "ecdsa",
    subject: "",
    issuer: "",
    serialNumber: "",
    fingerprint: "",
    notBeforeMs: 0,
    notAfterMs: 1,
  },
  bunRefusal: undefined,
  isForServers: true,
  signing: { keySchemes: [], chainSchemes: [] },
  intermediates: [],
});

const trustOf = (key: string): TrustVersion => ({
  id: `trust ${key}` as MaterialId,
  material: { kind: "trust", caPem: key, crlPem: undefined },
  validity: { authorities: [], lists: [] },
});

/** Returns versions of everything that the document names, of which `isLost` loses some. */
function sourcesFor(document: Document, isLost: (key: string) => boolean): Sources {
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

const compile = (document: Document, sources: Sources): Compiled =>
  compileSnapshot({ number: 1, document, sources, workers: 2, connectionsPerWorker: () => 100 });

it("every accepted document compiles, whatever files are lost, and alike from its written form", () => {
  fc.assert(
    fc.property(acceptedDocuments, fc.nat(), (value, lost) => {
      const { document, written } = parseDocument(value);
      assert.ok(document);
      assert.ok(written);
      const again = effectiveOf(written, document.director);
      for (const isLost of [
        () => false,
        () => true,
        (key: string) => (key.length + lost) % 2 === 0,
      ]) {
        const sources = sourcesFor(document, isLost);
        const { snapshot } = compile(document, sources);
        const names = snapshot.listeners.map(({ name }) => name);
        const ofWritten = compile(again, sources).snapshot;
        assert.deepEqual(new Set(ofWritten.listeners), new Set(snapshot.listeners));
        assert.ok(names.length <= listenersOf(document).length);
      }
      const up = listenersOf(document).filter(({ owner }) => owner.vnic.admin === "up");
      const all = compile(
        document,
        sourcesFor(document, () => false),
      ).snapshot.listeners;
      assert.equal(all.length, up.length);
    }),
    { numRuns: scaled({ short: 60, long: 3_000 }) },
  );
});
