import assert from "node:assert/strict";
import { test } from "node:test";
import { authorOf } from "./author.ts";

test("an author is stated with percent-encoded values, and what is too long is left out", () => {
  const uid = process.getuid?.();
  assert.match(authorOf(undefined), new RegExp(`^uid=${uid}; user=[^;=\\s]+$`));
  assert.ok(authorOf("Bö; b=\n").endsWith("; sudo-user=B%C3%B6%3B%20b%3D%0A"));
  assert.doesNotMatch(authorOf("ö".repeat(100)), /sudo/);
  assert.match(authorOf("\ud800"), /sudo-user=%EF%BF%BD$/);
});
