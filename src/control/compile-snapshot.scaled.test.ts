import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { effectiveOf } from "#model/document/written-document.ts";
import { acceptedDocuments } from "#harness/arbitrary-document.ts";
import { scaled } from "#harness/run-length.ts";
import { sourcesFor } from "#harness/sample-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";

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
