import assert from "node:assert/strict";
import { it } from "node:test";
import { parseDocument } from "./parse-document.ts";

const problemsOf = (masterKey: unknown, name = "masterKey") =>
  parseDocument({ director: { [name]: masterKey } }).problems.map(
    ({ code, path }) => `${code} ${path}`,
  );

it("a master key is at exactly one place, which has no parts of a path if it is a credential", () => {
  for (const place of [{ file: "a/b" }, { command: ["/a", ""] }, { credential: "a.b-c_D" }]) {
    const expected = "command" in place ? 1 : 0;
    for (const name of ["masterKey", "previousMasterKey"]) {
      assert.equal(problemsOf(place, name).length, expected, JSON.stringify(place));
    }
  }
  const rows: readonly (readonly [unknown, string])[] = [
    [{}, "missing-key director.masterKey"],
    [{ file: "a", credential: "b" }, "forbidden-key director.masterKey.credential"],
    [{ file: "a", command: ["/b"] }, "forbidden-key director.masterKey.command"],
  ];
  for (const [place, problem] of rows) assert.deepEqual(problemsOf(place), [problem]);
  const bad = [
    ...["text", 7, null, [], { env: "KEY" }, { file: "" }, { file: 7 }, { command: [] }],
    ...[{ command: "/a" }, { command: Array.from({ length: 65 }, () => "a") }],
    ...["", ".", "..", ".a", "../a", "a/b", "a\0b", "a b", "x".repeat(65)].map((credential) => ({
      credential,
    })),
  ];
  for (const place of bad) assert.ok(problemsOf(place).length > 0, JSON.stringify(place));
});
