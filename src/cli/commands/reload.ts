import type { Command } from "commander";
import { durationOption, jsonOption, socketOption, withExamples } from "./command-options.ts";

export interface ReloadRequest {
  readonly socketPath: string;
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

interface ReloadOptions {
  readonly socket: string;
  readonly timeout: number;
  readonly json?: true;
}

/** Adds `tlsd reload`. */
export function addReload(program: Command, run: (request: ReloadRequest) => Promise<void>): void {
  const command = program
    .command("reload")
    .description(
      "read the document again, apply the differences, and print the revision in force or every problem",
    )
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long to wait for the result", "60s"))
    .addOption(jsonOption())
    .action(async () => {
      const { socket, timeout, json } = command.opts<ReloadOptions>();
      await run({ socketPath: socket, timeoutMs: timeout, isJson: json === true });
    });
  withExamples(command, ["tlsd reload", "tlsd reload --socket /var/lib/tlsd/tlsd.sock --json"]);
}
