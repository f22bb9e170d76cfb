import assert from "node:assert/strict";
import { it } from "node:test";
import { tryPemBlocks } from "./pem-blocks.ts";

const block = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;

it("finds the blocks between whatever else stands in the file", () => {
  const text = `subject=CN=a\n${block("CERTIFICATE")}\n# key\r\n${block("EC PRIVATE KEY").replaceAll("\n", "\r\n")}`;
  assert.deepEqual(tryPemBlocks(text), [
    { label: "CERTIFICATE", pem: block("CERTIFICATE") },
    { label: "EC PRIVATE KEY", pem: block("EC PRIVATE KEY") },
  ]);
  assert.deepEqual(tryPemBlocks("no PEM"), []);
});

it("notices a file that is cut off or mixed up", () => {
  assert.equal(tryPemBlocks(block("CERTIFICATE").slice(0, -10)), undefined);
  assert.equal(tryPemBlocks("-----BEGIN A-----\nAAAA\n-----END B-----\n"), undefined);
  assert.equal(tryPemBlocks(`-----BEGIN A-----\n${block("B")}`), undefined);
});
