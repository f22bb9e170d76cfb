import { spawnSync } from "node:child_process";

/** What a program prints about itself on either output; undefined when it cannot be started. */
export function tryRunVersionCommand(program: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 10_000 });
  return error === undefined ? stdout + stderr : undefined;
}
