/** Laws that hold for every document. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptedDocuments, anyDocuments, SECRET_MARK } from "#harness/arbitrary-document.ts";
import { scaled } from "#harness/run-length.ts";
import type { Json, JsonMap } from "../json.ts";
import { isError, PROBLEMS } from "../problem.ts";
import { absolutePathOf } from "./absolute-path.ts";
import { changeLines } from "./change-lines.ts";
import { checkJsonText } from "./check-json-text.ts";
import { pathsOf, withAbsolutePaths } from "./document-paths.ts";
import { DocumentSchema, type Document } from "./document.ts";
import { mergePatch } from "./merge-patch.ts";
import { parseDocument } from "./parse-document.ts";
import { applyChanges, differenceByPath, inverseOf } from "./path-change.ts";
import { redact, redactChanges, restoreSecrets } from "./secrets.ts";
import { effectiveOf, inSchemaOrder, writtenOf, type WrittenDocument } from "./written-document.ts";

const RUNS = { numRuns: scaled({ short: 40, long: 1_000 }) };

const writtenDocuments = acceptedDocuments.map(writtenOf);

const fingerprintOf = (secret: string): string =>
  `secret:test:${createHash("sha256").update(secret).digest("base64url").slice(0, 22)}`;

/** Returns the document with the listeners of each vNIC in the order of their ports. */
const withSortedListeners = (document: Document): Document => {
  const sorted = structuredClone(document);
  for (const { vnics } of Object.values(sorted.profiles)) {
    for (const { listeners } of Object.values(vnics)) {
      listeners.sort((one, other) => one.port - other.port);
    }
  }
  return sorted;
};

describe("any document", () => {
  it("is accepted, or its problems are named", () => {
    fc.assert(
      fc.property(anyDocuments, (value) => {
        const { document, written, problems } = parseDocument(value);
        assert.equal(document === undefined, problems.some(isError));
        assert.equal(written === undefined, document === undefined);
        for (const { code, message, hint } of problems) {
          assert.ok(Object.hasOwn(PROBLEMS, code), code);
          assert.ok(message.length > 0 && hint.length > 0);
        }
      }),
      RUNS,
    );
  });
});

describe("an accepted document", () => {
  it("has one written form, with the same effect", () => {
    fc.assert(
      fc.property(acceptedDocuments, (value) => {
        const { document, written } = parseDocument(value);
        assert.ok(document);
        assert.ok(written);
        assert.deepEqual(writtenOf(written), written);
        assert.deepEqual(effectiveOf(written, document.director), withSortedListeners(document));
        assert.deepEqual(parseDocument(written).written, written);
        const ordered = inSchemaOrder(written);
        assert.deepEqual(ordered, written);
        assert.equal(JSON.stringify(inSchemaOrder(ordered)), JSON.stringify(ordered));
      }),
      RUNS,
    );
  });

  it("can be freed from its folder", () => {
    fc.assert(
      fc.property(writtenDocuments, (written) => {
        const absolute = withAbsolutePaths(written, "/etc/tlsd");
        assert.deepEqual(withAbsolutePaths(absolute, "/another"), absolute);
        assert.equal(parseDocument(absolute).problems.some(isError), false);
        const files = pathsOf(absolute).map(({ file }) => file);
        assert.deepEqual(
          files,
          pathsOf(written).map(({ file }) => absolutePathOf("/etc/tlsd", file)),
        );
        assert.ok(files.every((file) => file.startsWith("/") && !file.includes("/../")));
      }),
      RUNS,
    );
  });
});

describe("the difference of two documents", () => {
  const documentAfter = (
    document: WrittenDocument,
    changes: ReturnType<typeof differenceByPath>,
  ): WrittenDocument => {
    const applied = applyChanges(document, changes);
    assert.ok("document" in applied, JSON.stringify(applied));
    return applied.document;
  };

  it("leads from one to the other, and its inverse leads back exactly", () => {
    fc.assert(
      fc.property(writtenDocuments, writtenDocuments, (before, after) => {
        assert.deepEqual(differenceByPath(before, structuredClone(before)), []);
        const changes = differenceByPath(before, after);
        assert.deepEqual(documentAfter(before, changes), after);
        const back = inverseOf(changes);
        assert.deepEqual(documentAfter(after, back), before);
        assert.deepEqual(inverseOf(back), changes);
        const again = applyChanges(before, back);
        assert.deepEqual(
          "conflicts" in again ? again.conflicts : [],
          back.map(({ path }) => path),
        );
      }),
      RUNS,
    );
  });

  it("shows no secret", () => {
    fc.assert(
      fc.property(writtenDocuments, writtenDocuments, (before, after) => {
        const changes = differenceByPath(before, after);
        const shown = JSON.stringify([
          changeLines(changes),
          redactChanges(DocumentSchema, changes, fingerprintOf),
          redact(DocumentSchema, after, fingerprintOf),
        ]);
        assert.ok(!shown.includes(SECRET_MARK));
      }),
      RUNS,
    );
  });
});

const secretsOf = ({ certificates = {} }: WrittenDocument): readonly string[] =>
  Object.values(certificates).flatMap((certificate) => {
    const { passphrase } = certificate as { readonly passphrase?: string };
    return passphrase === undefined ? [] : [passphrase];
  });

it("a redacted document that is sent back is the document", () => {
  fc.assert(
    fc.property(writtenDocuments, (written) => {
      const shown = redact(DocumentSchema, written, fingerprintOf);
      assert.deepEqual(redact(DocumentSchema, shown, fingerprintOf), shown);
      const { value, problems } = restoreSecrets(DocumentSchema, shown, written, fingerprintOf);
      assert.deepEqual(value, written);
      assert.deepEqual(problems, []);
      const foreign = restoreSecrets(DocumentSchema, shown, {}, fingerprintOf);
      assert.equal(foreign.problems.length, secretsOf(written).length);
    }),
    RUNS,
  );
});

describe("mergePatch", () => {
  const values = fc.jsonValue() as fc.Arbitrary<Json>;

  it("can be repeated, changes neither value, and leaves no null in what it adds", () => {
    fc.assert(
      fc.property(values, values, (target, patch) => {
        const copies = structuredClone([target, patch]);
        const merged = mergePatch(target, patch);
        assert.deepEqual(mergePatch(merged, patch), merged);
        assert.deepEqual([target, patch], copies);
        const added = mergePatch(undefined, patch);
        assert.deepEqual(mergePatch(added, {}), isMap(added) ? added : {});
        if (isMap(added)) assert.ok(Object.values(added).every((value) => value !== null));
      }),
      RUNS,
    );
  });

  it("makes one document of another by the patch of their difference", () => {
    fc.assert(
      fc.property(writtenDocuments, writtenDocuments, (before, after) => {
        const patch = patchBetween(before as JsonMap, after as JsonMap);
        assert.deepEqual(mergePatch(before as JsonMap, patch), after);
      }),
      RUNS,
    );
  });
});

const isMap = (value: Json): value is JsonMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function patchBetween(before: JsonMap, after: JsonMap): JsonMap {
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const set = Object.entries(after).map(([key, value]) => {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    return [
      key,
      old !== undefined && isMap(old) && isMap(value) ? patchBetween(old, value) : value,
    ];
  });
  return Object.fromEntries([...removed.map((key) => [key, null]), ...set]) as JsonMap;
}

it("checkJsonText accepts what JSON.stringify writes, and never throws", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:\\ua1 \n')) }),
      (value, text) => {
        assert.equal(checkJsonText(JSON.stringify(value, undefined, 1)), undefined);
        checkJsonText(text);
      },
    ),
    RUNS,
  );
});
