import assert from "node:assert/strict";
import { it } from "node:test";
import { problemOf } from "#model/problem.ts";
import { printProblems } from "./print-problems.ts";
import { SourceText } from "./source-text.ts";

it("shows errors before warnings, each with path, message and hint, and counts them", () => {
  const text = printProblems([
    problemOf("no-server", "profiles.shop.servers", "It lives on no server."),
    problemOf("bad-address", "servers.web-1.address", "It is no address.", "Write one."),
  ]);
  assert.equal(
    text,
    [
      "error: It is no address.",
      "    at servers.web-1.address",
      "    Write one.",
      "",
      "warning: It lives on no server.",
      "    at profiles.shop.servers",
      "    Add a server to `servers`.",
      "",
      "1 error, 1 warning",
      "",
    ].join("\n"),
  );
});

it("shows file, line and column first, in the order of the lines, with the line and a caret", () => {
  const place = (line: number, column: number) => ({ file: "d.yaml", line, column });
  const source = new SourceText("servers:\n\tweb: { adress: 1 }\n");
  const text = printProblems(
    [
      { ...problemOf("missing-key", "servers.b", "Late.", "Hint."), ...place(3, 1) },
      { ...problemOf("unknown-key", "servers.web.adress", "Early.", "Hint."), ...place(2, 9) },
      { ...problemOf("bad-value", "", "No place.", "Hint."), file: "d.yaml" },
    ],
    { source },
  );
  assert.equal(
    text,
    [
      "d.yaml:2:9: error: Early.",
      "    at servers.web.adress",
      "    2 |  web: { adress: 1 }",
      "      |         ^",
      "    Hint.",
      "",
      "d.yaml:3:1: error: Late.",
      "    at servers.b",
      "    Hint.",
      "",
      "d.yaml: error: No place.",
      "    Hint.",
      "",
      "3 errors",
      "",
    ].join("\n"),
  );
});

it("cuts long lines around the column, and shows no line of a file with a key in it", () => {
  const problem = { ...problemOf("bad-value", "a", "Bad."), file: "d.yaml", line: 1, column: 501 };
  const { line, caret } =
    new SourceText("x".repeat(500) + "y".repeat(500)).excerptOf(problem) ?? {};
  assert.equal(line, `1 | …${"x".repeat(40)}${"y".repeat(60)}…`);
  assert.equal(caret?.length, line?.indexOf("y", 4) + 1);
  const key = "a: |\n  -----BEGIN PRIVATE KEY-----\n";
  assert.equal(new SourceText(key).excerptOf({ ...problem, column: 1 }), undefined);
});

it("is in colour if asked", () => {
  const [problem] = [problemOf("bad-value", "a", "Bad.")];
  assert.ok(printProblems([problem], { hasColours: true }).startsWith("\u001b[31m"));
  assert.ok(!printProblems([problem]).includes("\u001b"));
});

it("returns an empty text without problems, and escapes control characters", () => {
  assert.equal(printProblems([]), "");
  assert.ok(!printProblems([problemOf("bad-name", "a\u001b[2J", "\u202e")]).includes("\u001b"));
});
