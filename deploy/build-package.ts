/** Builds dist/ for `npm pack`: the sources and their packages as a few JavaScript files. */
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { joinProgram, tryBun } from "./join-program.ts";

const project = resolve(import.meta.dirname, "..");
const target = resolve(project, "dist");

const bun = tryBun();
if (bun === undefined) {
  throw new Error("The package is built with Bun, which is missing. `npm ci` installs it.");
}
await rm(target, { recursive: true, force: true });
await joinProgram(bun, project, project, target);
