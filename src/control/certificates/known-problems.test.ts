import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { problemOf } from "#model/problem.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import { certificateSourcesOf, type DocumentSource } from "./document-sources.ts";
import { KnownProblems } from "./known-problems.ts";
import { refusedEntry, type SourceEntry } from "./source-entry.ts";
import type { CertificateVersion } from "./sources.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const COUNT = 1_000;

type Entry = SourceEntry<CertificateVersion>;

/** Entries that are valid for 90 days, and how often the problems of one have been computed. */
function makeEntries() {
  const names = Array.from({ length: COUNT }, (_, at) => `site-${at}`);
  const certificates = Object.fromEntries(names.map((name) => [name, { chain: `${name}.pem` }]));
  const { draft } = parseDocument({ certificates });
  const sources = certificateSourcesOf(draft, { folder: "/", foldersOf: () => "any" });
  let computed = 0;
  const counted = (source: DocumentSource<CertificateVersion>) => ({
    ...source,
    problemsAt(version: CertificateVersion, nowMs: number) {
      computed += 1;
      return source.problemsAt(version, nowMs);
    },
  });
  return {
    entries: sources.map((source) => entryOf(counted(source), NOW_MS + 90 * DAY_MS)),
    /** Returns how many were computed since the last call. */
    computedSince: (): number => {
      const since = computed;
      computed = 0;
      return since;
    },
  };
}

function entryOf(source: Entry["source"], notAfterMs: number): Entry {
  const { facts, ...version } = certificateOf(source.key);
  const period = { notBeforeMs: NOW_MS - DAY_MS, notAfterMs };
  return {
    ...{ source, looks: "", refusals: [], warnings: [] },
    version: { ...version, facts: { ...facts, ...period } },
  };
}

function withEntry(entries: readonly Entry[], at: number, change: (entry: Entry) => Entry): Entry {
  const entry = entries[at] ?? assert.fail(`entry ${at}`);
  return change(entry);
}

describe("KnownProblems", () => {
  it("computes all problems once, and then those of an entry that is replaced", () => {
    const { entries, computedSince } = makeEntries();
    const known = new KnownProblems();
    known.follow(entries, NOW_MS);
    assert.deepEqual(known.at(NOW_MS), []);
    assert.equal(computedSince(), COUNT);
    const nothing = known.at(NOW_MS + 1_000);
    known.replace(
      withEntry(entries, 7, ({ source }) => entryOf(source, NOW_MS + 80 * DAY_MS)),
      NOW_MS + 2_000,
    );
    assert.equal(known.at(NOW_MS + 3_000), nothing);
    assert.equal(computedSince(), 1);
    const refusal = problemOf("key-mismatch", "certificates.site-9", "It is another key.");
    known.replace(
      withEntry(entries, 9, (entry) => refusedEntry(entry, "", refusal)),
      NOW_MS + 4_000,
    );
    assert.deepEqual(known.at(NOW_MS + 5_000), [refusal]);
    assert.deepEqual(
      known.refused(NOW_MS + 5_000).map(({ source }) => source.key),
      ["site-9"],
    );
    assert.equal(computedSince(), 1);
    known.replace(
      withEntry(entries, 9, (entry) => entry),
      NOW_MS + 6_000,
    );
    assert.deepEqual(known.at(NOW_MS + 7_000), []);
  });

  it("computes all problems when a certificate begins to expire or expires, and when the clock was set back", () => {
    const { entries, computedSince } = makeEntries();
    const known = new KnownProblems();
    known.follow(entries, NOW_MS);
    known.replace(
      withEntry(entries, 3, ({ source }) => entryOf(source, NOW_MS + 60 * DAY_MS)),
      NOW_MS,
    );
    const codesAt = (days: number): readonly string[] => {
      const problems = known.at(NOW_MS + days * DAY_MS);
      return problems.map(({ code, path }) => `${code} ${path}`);
    };
    assert.deepEqual(codesAt(0), []);
    assert.deepEqual(codesAt(46), []);
    assert.equal(computedSince(), COUNT);
    assert.deepEqual(codesAt(47), ["certificate-expiring certificates.site-3.chain"]);
    assert.deepEqual(codesAt(59.9), ["certificate-expiring certificates.site-3.chain"]);
    assert.equal(computedSince(), COUNT);
    assert.deepEqual(codesAt(60), ["certificate-expired certificates.site-3.chain"]);
    assert.equal(computedSince(), COUNT);
    assert.deepEqual(codesAt(1), []);
    assert.equal(computedSince(), COUNT);
  });

  it("computes for another document only the entries that differ from those before", () => {
    const { entries, computedSince } = makeEntries();
    const known = new KnownProblems();
    const lapsing = withEntry(entries, 5, ({ source }) => entryOf(source, NOW_MS));
    known.follow([...entries.slice(0, 5), lapsing, ...entries.slice(6)], NOW_MS);
    const before = known.at(NOW_MS);
    assert.equal(before.length, 1);
    computedSince();
    const renewed = withEntry(entries, 9, ({ source }) => entryOf(source, NOW_MS));
    known.follow([lapsing, ...entries.slice(6, 9), renewed], NOW_MS + 1_000);
    assert.equal(computedSince(), 1);
    assert.deepEqual(
      known.at(NOW_MS + 1_000).map(({ path }) => path),
      [`${lapsing.source.place}.chain`, `${renewed.source.place}.chain`],
    );
    known.follow(entries.slice(0, 5), NOW_MS + 2_000);
    computedSince();
    assert.deepEqual(known.at(NOW_MS + 2_000), []);
    assert.equal(computedSince(), 0);
  });

  it("has the problems of another document in the order of that document", () => {
    const { entries } = makeEntries();
    const known = new KnownProblems();
    known.follow(entries, NOW_MS);
    known.at(NOW_MS);
    const others = entries.slice(0, 9).map(({ source }) => entryOf(source, NOW_MS));
    known.follow(others, NOW_MS);
    assert.deepEqual(
      known.at(NOW_MS).map(({ path }) => path),
      others.map(({ source }) => `${source.place}.chain`),
    );
  });
});
