import assert from "node:assert/strict";
import { posix } from "node:path";
import { it } from "node:test";
import * as fc from "fast-check";
import { absolutePathOf, isBelow } from "./absolute-path.ts";

it("absolutePathOf resolves paths as node:path does", () => {
  const parts = fc.array(fc.constantFrom("", ".", "..", "a", "...", "b c"));
  const paths = fc.tuple(fc.boolean(), parts).map(([isAbsolute, steps]) => {
    return `${isAbsolute ? "/" : ""}${steps.join("/")}`;
  });
  fc.assert(
    fc.property(parts, paths, (folder, path) => {
      const from = `/${folder.join("/")}`;
      assert.equal(absolutePathOf(from, path), posix.resolve(from, path));
    }),
  );
});

it("isBelow is not misled by a folder whose name begins alike", () => {
  assert.ok(isBelow("/etc/certs/a.pem", "/etc/certs"));
  assert.ok(isBelow("/a", "/"));
  for (const path of ["/etc/certs-evil/a.pem", "/etc/certs", "/etc", "/"]) {
    assert.ok(!isBelow(path, "/etc/certs"), path);
  }
});
