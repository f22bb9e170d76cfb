import { join } from "node:path";
import { projectFolder } from "./tlsd.ts";

/** Returns the command of a process that saves revisions in a folder: test/fixtures/store-writer.ts. */
export const storeWriter = (
  folder: string,
  saves: number,
  flags: readonly string[] = [],
): readonly [string, ...string[]] => [
  process.execPath,
  ...flags,
  join(projectFolder, "test/fixtures/store-writer.ts"),
  folder,
  `${saves}`,
];

/** Lets processes share compiled code, because many are started. */
export const storeWriterEnv: Readonly<Record<string, string>> = Object.fromEntries(
  ["NODE_COMPILE_CACHE"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  }),
);
