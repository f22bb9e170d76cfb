import assert from "node:assert/strict";
import { test } from "node:test";
import { documentTagOf, tagAt } from "./document-tag.ts";
import { exportedText, tryOrigin, withOrigin } from "./exported-text.ts";

const id = "8e709ee2-07d2-476d-9fdf-9479b7f3baa4";
const tag = documentTagOf(`"${id}-12"`);

test("an export names its revision and its store, and what reads it finds both", () => {
  const text = exportedText({ servers: { a: { address: "192.0.2.1" } } }, tag);
  assert.ok(text.startsWith(`# revision: 12\n# store: ${id}\nservers:\n`), text);
  assert.deepEqual(tryOrigin(text), { revision: 12, storeId: id });
  assert.equal(exportedText({}, tag), `# revision: 12\n# store: ${id}\n{}\n`);
  assert.deepEqual(tryOrigin(exportedText({}, tag)), { revision: 12, storeId: id });
  assert.deepEqual(tryOrigin("# ours\r\n# revision: 3\r\n\r\nservers: {}\r\n"), {
    revision: 3,
    storeId: undefined,
  });
});

test("a comment after the document has begun is no origin", () => {
  assert.equal(tryOrigin("servers: {}\n# revision: 3\n"), undefined);
  assert.equal(tryOrigin("# the revision: 3\nservers: {}\n"), undefined);
});

test("an origin is renewed only where there is one", () => {
  const text = "# ours\n# revision: 3\n# store: old\nservers: {}\n# revision: 4\n";
  assert.equal(
    withOrigin(text, tag),
    `# ours\n# revision: 12\n# store: ${id}\nservers: {}\n# revision: 4\n`,
  );
  assert.equal(withOrigin("servers: {}\n", tag), "servers: {}\n");
});

test("an entity tag names the store and the revision, also of a document that is not saved", () => {
  assert.deepEqual([tag.storeId, tag.revision], [id, 12]);
  const unsaved = documentTagOf(`"${id}-12-unsaved"`);
  assert.deepEqual([unsaved.storeId, unsaved.revision], [id, 12]);
  assert.equal(tagAt(unsaved, 12), unsaved.tag);
  assert.equal(tagAt(unsaved, 11), `"${id}-11"`);
  assert.equal(tagAt(unsaved, 12, "other"), '"other-12"');
  assert.throws(() => documentTagOf('"abc"'), { code: "internal" });
});
