import assert from "node:assert/strict";
import { it } from "node:test";
import { problemOf } from "#model/problem.ts";
import { printProblems } from "./print-problems.ts";

it("shows errors before warnings, each with path, message and hint, and counts them", () => {
  const text = printProblems([
    problemOf("no-server", "profiles.shop.servers", "It lives on no server."),
    problemOf("bad-address", "servers.web-1.address", "It is no address.", "Write one."),
  ]);
  assert.equal(
    text,
    [
      "error: servers.web-1.address",
      "  It is no address.",
      "  Write one.",
      "",
      "warning: profiles.shop.servers",
      "  It lives on no server.",
      "  Add a server to `servers`.",
      "",
      "1 error, 1 warning",
      "",
    ].join("\n"),
  );
});

it("returns an empty text without problems, and escapes control characters", () => {
  assert.equal(printProblems([]), "");
  assert.ok(!printProblems([problemOf("bad-name", "a\u001b[2J", "\u202e")]).includes("\u001b"));
});
