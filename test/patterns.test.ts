/** Looks for texts that keep a regular expression of the program busy: outside text meets all of them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { check } from "recheck";
import { COMBINED_LINE, JSON_LINE } from "#control/workers/line-pattern.ts";
import { findPatterns, type FoundPattern } from "#harness/pattern-finder.ts";
import { projectFolder } from "#harness/tlsd.ts";

const CHECK_DEADLINE_MS = 30_000;

/** Their patterns are those of schemas, which are checked where they stand. */
const KNOWN_AS_SCHEMAS = /^src\/model\/document\/(?:conform|fits|schema-problems)\.ts:/;

/** They are built of the schema of the record of an exchange, and are checked as they are then. */
const KNOWN_AS_LINES = /^src\/control\/workers\/line-pattern\.ts:/;

function sourcesOfProgram(): ReadonlyMap<string, string> {
  const paths = readdirSync(join(projectFolder, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(?:ts|mjs)$/.test(path) && !path.endsWith(".test.ts"))
    .map((path) => `src/${path}`);
  return new Map(paths.map((path) => [path, readFileSync(join(projectFolder, path), "utf8")]));
}

/** What is wrong with a pattern; undefined if no text makes it take more than linear time. */
async function tryAttack({ source, flags }: FoundPattern): Promise<string | undefined> {
  const found = await check(source, flags, { timeout: CHECK_DEADLINE_MS });
  if (found.status === "safe") return undefined;
  if (found.status === "unknown") return `not checked: ${found.error.kind}`;
  return `${found.complexity.summary}, by ${found.attack.pattern}`;
}

const found = (source: string, flags = ""): FoundPattern => ({ place: "", source, flags });

describe("the checker", () => {
  it("finds the attack on a name of a certificate that hung the director", async () => {
    const name = String.raw`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$`;
    assert.match((await tryAttack(found(name))) ?? "", /^exponential/);
  });

  it("finds textbook attacks, and none where there is none", async () => {
    assert.match((await tryAttack(found("^(a|a)*$"))) ?? "", /^exponential/);
    assert.match((await tryAttack(found(String.raw`^(\w+\s?)+$`))) ?? "", /^exponential/);
    assert.match((await tryAttack(found(String.raw`\s+$`))) ?? "", /polynomial/);
    assert.equal(await tryAttack(found("^[a-z]+$")), undefined);
  });

  it("sees patterns of every kind, and says where it cannot", () => {
    const { patterns, unknown } = findPatterns(
      new Map([
        ["a.ts", 'const A = "^a$";\nconst B = `${A}|b`;\nnew RegExp(B, "u");\n/c/g.test(text);'],
        [
          "b.ts",
          'const s = { pattern: A, q: { pattern: "d" } };\nRegExp(text);\nRegExp(`x${y()}`);',
        ],
      ]),
    );
    assert.deepEqual(
      patterns.map(({ place, source, flags }) => [place, source, flags]),
      [
        ["a.ts:3", "^a$|b", "u"],
        ["a.ts:4", "c", "g"],
        ["b.ts:1", "^a$", "u"],
        ["b.ts:1", "d", "u"],
      ],
    );
    assert.deepEqual(unknown, ["b.ts:2", "b.ts:3"]);
  });
});

describe("no text keeps a regular expression of the program busy", async () => {
  const { patterns, unknown } = findPatterns(sourcesOfProgram());

  it("which are all known", () => {
    assert.ok(patterns.length > 50, `${patterns.length} patterns found`);
    assert.deepEqual(
      unknown.filter((place) => !KNOWN_AS_SCHEMAS.test(place) && !KNOWN_AS_LINES.test(place)),
      [],
    );
  });

  for (const [name, { source, flags }] of Object.entries({ ...JSON_LINE, COMBINED_LINE })) {
    it(`of access lines: ${name}`, async () => {
      assert.equal(await tryAttack({ place: name, source, flags }), undefined);
    });
  }

  const different = new Map(patterns.map((one) => [`/${one.source}/${one.flags}`, one]));
  for (const [text, pattern] of different) {
    it(`${pattern.place} ${text}`, async () => {
      assert.equal(await tryAttack(pattern), undefined);
    });
  }
});
