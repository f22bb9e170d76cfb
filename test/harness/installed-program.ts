import { dirname, join } from "node:path";
import { readdir } from "node:fs/promises";
import { runToExit, type ProcessResult } from "./child-process.ts";
import { tryOldNode } from "./old-node.ts";
import { findProgram } from "./packages.ts";
import { projectFolder } from "./tlsd.ts";

const packDeadlineMs = 120_000;
const installDeadlineMs = 300_000;

/** How npm reaches its registry; nothing else of the surroundings. */
const registryVariables =
  /^(?:https?_proxy|no_proxy|npm_config_(?:registry|cache|userconfig)|node_extra_ca_certs)$/i;

/** The environment of a user of this machine with its own Node, not with that of the project. */
export function userEnvironment(): Readonly<Record<string, string>> & { readonly PATH: string } {
  const folders = (process.env["PATH"] ?? "").split(":");
  const own = folders.filter((folder) => !folder.endsWith("node_modules/.bin"));
  const node = dirname(tryOldNode() ?? process.execPath);
  const forRegistry = Object.entries(process.env).flatMap(([name, value]) =>
    registryVariables.test(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(forRegistry), PATH: [node, ...own].join(":") };
}

/** What `npm pack` makes of the project, in `folder`. Throws with what npm said. */
export async function packProgram(folder: string): Promise<string> {
  const args = ["pack", "--silent", "--pack-destination", folder];
  const { code, stdout, stderr } = await runToExit(findProgram("npm") ?? "npm", args, {
    cwd: projectFolder,
    env: userEnvironment(),
    deadlineMs: packDeadlineMs,
  });
  const [name, ...others] = (await readdir(folder)).filter((each) => each.endsWith(".tgz"));
  if (code !== 0 || name === undefined || others.length > 0) {
    throw new Error(`npm pack ended with ${code}:\n${stdout}${stderr}`);
  }
  return join(folder, name);
}

/** `npm install --global` into a prefix of its own. */
export function installProgram(tarball: string, prefix: string): Promise<ProcessResult> {
  const options = ["--global", "--prefix", prefix, "--prefer-offline"];
  return runToExit(findProgram("npm") ?? "npm", ["install", ...options, tarball], {
    cwd: "/",
    env: userEnvironment(),
    deadlineMs: installDeadlineMs,
  });
}
