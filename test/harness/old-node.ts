import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";

const wantedMajor = 26;

/** A Node of this machine that is too old for the program, if there is one. */
export function tryOldNode(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders, "/usr/local/bin", "/usr/bin"]
    .map((folder) => join(folder, "node"))
    .find((node) => majorOf(node) < wantedMajor);
}

function majorOf(node: string): number {
  try {
    const version = execFileSync(node, ["--version"], { encoding: "utf8", stdio: "pipe" });
    return Number.parseInt(version.slice(1), 10);
  } catch {
    return Infinity;
  }
}
