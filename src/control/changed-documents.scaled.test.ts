/** A document that has parts in common with an earlier one is treated exactly as if all of it were new. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { sharedWith } from "#model/document/document-parts.ts";
import { withAbsolutePaths } from "#model/document/document-paths.ts";
import type { Document } from "#model/document/document.ts";
import { parseDocument, tryParseFitting } from "#model/document/parse-document.ts";
import { differenceByPath } from "#model/document/path-change.ts";
import { isJsonMap, tryEntry, type Json, type JsonMap } from "#model/json.ts";
import { isError } from "#model/problem.ts";
import { acceptedDocuments, anyDocuments } from "#harness/arbitrary-document.ts";
import { scaled } from "#harness/run-length.ts";
import { sourcesFor } from "#harness/sample-sources.ts";
import { checkTrustRoots } from "./certificates/check-trust-roots.ts";
import { checkUsage } from "./certificates/check-usage.ts";
import type { Sources } from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";
import { charactersOf, noteParts } from "./known-parts.ts";
import { entriesOf } from "./state/document-entries.ts";
import type { UnsentPrepare } from "#protocol/messages.ts";
import { buildPrepare } from "./workers/difference.ts";

const RUNS = { numRuns: scaled({ short: 60, long: 3_000 }) };

const compile = (document: Document, sources: Sources, number: number): Compiled =>
  compileSnapshot({ number, document, sources, workers: 2, connectionsPerWorker: () => 100 });

const noneIsLost = (): boolean => false;

/** Replaces, adds or removes one entry of one section. */
function edited(before: JsonMap, other: JsonMap, choice: number): JsonMap {
  const sections = ["servers", "profiles", "certificates", "policies"] as const;
  const section = sections[choice % sections.length] ?? "profiles";
  const own = mapOf(before[section]);
  const names = [...new Set([...Object.keys(own), ...Object.keys(mapOf(other[section]))])];
  const name = names[(choice >> 2) % Math.max(1, names.length)];
  if (name === undefined) return before;
  const entry = tryEntry(mapOf(other[section]), name);
  const rest = Object.fromEntries(Object.entries(own).filter(([key]) => key !== name));
  const after = Object.entries(rest);
  if (entry !== undefined) after.push([name, entry]);
  return { ...before, [section]: Object.fromEntries(after) };
}

const mapOf = (value: Json | undefined): JsonMap => (isJsonMap(value) ? value : {});

/** A prepare asks for its material when it is sent. */
const writtenOut = (prepare: UnsentPrepare): object => ({
  ...prepare,
  material: [...prepare.material].map(([id, ask]) => [id, ask()]),
});

it("a series of changes has the same results with parts in common and with none", () => {
  const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(acceptedDocuments, acceptedDocuments, choices, (first, other, choicesMade) => {
      let value: JsonMap = first;
      let before: { readonly document: Document; readonly compiled: Compiled } | undefined;
      let writtenBefore = {};
      for (const [number, choice] of choicesMade.entries()) {
        const parsed = parseDocument(value);
        const anew = parseDocument(structuredClone(value));
        assert.deepEqual(parsed, anew);
        assert.deepEqual(tryParseFitting(value) ?? anew, anew);
        const { document, written } = parsed;
        if (document !== undefined && written !== undefined) {
          assert.deepEqual(
            differenceByPath(writtenBefore, written),
            differenceByPath(structuredClone(writtenBefore), structuredClone(written)),
          );
          assert.deepEqual(entriesOf(written), entriesOf(structuredClone(written)));
          const sources = sourcesFor(
            document,
            choice % 3 === 0 ? (key) => key.length % 2 === 0 : noneIsLost,
          );
          const fresh = structuredClone(document);
          assert.deepEqual(
            checkUsage(document, sources.certificates),
            checkUsage(fresh, sources.certificates),
          );
          assert.deepEqual(checkTrustRoots(document, sources), checkTrustRoots(fresh, sources));
          const compiled = compile(document, sources, number + 1);
          const compiledAnew = compile(fresh, sources, number + 1);
          assert.deepEqual(compiled, compiledAnew);
          assert.deepEqual(
            writtenOut(buildPrepare(before?.compiled, compiled)),
            writtenOut(buildPrepare(structuredClone(before?.compiled), compiledAnew)),
          );
          before = { document, compiled };
          writtenBefore = written;
          value = { ...written };
        } else {
          value = { ...writtenBefore };
        }
        value = edited(value, other, choice);
      }
    }),
    RUNS,
  );
});

it("an edited document that came as text shares its unchanged parts, and is the same document", () => {
  fc.assert(
    fc.property(acceptedDocuments, acceptedDocuments, fc.nat(1_000), (first, other, choice) => {
      const { written } = parseDocument(first);
      assert.ok(written);
      const sent = edited(written as JsonMap, other, choice);
      const shared = sharedWith(written, structuredClone(sent));
      assert.equal(JSON.stringify(shared), JSON.stringify(sent));
      for (const [section, named] of Object.entries(shared)) {
        for (const [name, part] of Object.entries(mapOf(named))) {
          const known: Json | undefined = tryEntry(mapOf((written as JsonMap)[section]), name);
          if (JSON.stringify(known) === JSON.stringify(part)) assert.equal(part, known);
        }
      }
    }),
    RUNS,
  );
});

it("parts that another process has parsed are filled in as this process would do it", () => {
  fc.assert(
    fc.property(acceptedDocuments, (value) => {
      const elsewhere = structuredClone(parseDocument(value));
      const written = withAbsolutePaths(elsewhere.written ?? assert.fail(), "/etc/tlsd");
      const document = withAbsolutePaths(elsewhere.document ?? assert.fail(), "/etc/tlsd");
      noteParts(written, document);
      const again = { ...written, director: document.director };
      assert.deepEqual(parseDocument(again), parseDocument(structuredClone(again)));
    }),
    RUNS,
  );
});

it("the characters of a document are counted as those of its text", () => {
  fc.assert(
    fc.property(fc.oneof(anyDocuments, acceptedDocuments), (value) => {
      if (!isJsonMap(value)) return;
      const { length } = JSON.stringify(value);
      assert.equal(charactersOf(value).all, length);
      if (!parseDocument(value).problems.some(isError))
        assert.equal(charactersOf(value).unknown, 0);
    }),
    RUNS,
  );
});
