import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateFacts } from "#model/document/certificate.ts";
import { sampleFacts as facts } from "#harness/sample-facts.ts";
import { stagedAttentionOf } from "./staged-attention.ts";
import type { VersionRecord } from "./version-record.ts";

const version = (
  id: string,
  state: VersionRecord["state"],
  more: Partial<CertificateFacts> = {},
  terms: Partial<VersionRecord> = {},
): VersionRecord => ({
  ...{ id, state, by: { origin: "socket" }, at: "", from: "", spki: "" },
  facts: { ...facts, ...more },
  ...terms,
});
const messagesOf = (...versions: readonly VersionRecord[]): readonly string[] =>
  stagedAttentionOf({ nextVersion: 9, versions }).map(({ code, message }) => `${code}: ${message}`);

const active = version("1", "active");
const fewer = { names: ["shop.example"] };

test("a staged version that would make a served name worse needs attention while it is staged", () => {
  assert.deepEqual(messagesOf(active, version("2", "staged", fewer)), [
    "staged-worse: Version 2 is staged. The new version does not cover www.shop.example.",
  ]);
  assert.deepEqual(
    messagesOf(active, version("2", "staged", { keyType: "rsa", keySize: 2_048 })).length,
    2,
  );
  assert.deepEqual(messagesOf(active, version("2", "previous", fewer)), []);
  assert.deepEqual(messagesOf(active, version("2", "staged")), []);
  assert.deepEqual(messagesOf(version("2", "staged", fewer)), []);
});

test("what was allowed when the version came needs none", () => {
  const terms = { activatesItself: true, allowed: ["fewer-names"] };
  assert.deepEqual(messagesOf(active, version("2", "staged", fewer, terms)), []);
});

test("a version that does not become active by itself, because it expires earlier, needs attention", () => {
  const earlier = { notAfterMs: 500 };
  assert.deepEqual(messagesOf(active, version("2", "staged", earlier)), []);
  assert.match(
    messagesOf(active, version("2", "staged", earlier, { activatesItself: true }))[0] ?? "",
    /expires before the active one/,
  );
});
