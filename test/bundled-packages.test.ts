import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { findEngine } from "#control/workers/find-engine.ts";

const { engine } = findEngine({
  wanted: "auto",
  nodeFile: process.execPath,
  arch: process.arch,
});

it("typebox is loaded as a few files, with one copy of what its entries share", async (t) => {
  if (engine !== "bun") return t.skip("typebox is joined by Bun, which is not installed");
  const entries = ["typebox", "typebox/type"].map((name) => import.meta.resolve(name));
  const [all, type] = await Promise.all(
    entries.map((url) => import(url) as Promise<Readonly<Record<string, unknown>>>),
  );
  const [folder = ""] = entries.map((url) => fileURLToPath(new URL(".", url)));
  const names = readdirSync(folder).filter((name) => name.startsWith("shared-"));
  assert.ok(names.length > 0, "`npm run prepare` joins the files");
  assert.ok(names.length < 20);
  assert.equal(all?.["Object"], type?.["Object"]);
});
