import type { Command } from "commander";
import { jsonOption, socketOption, withExamples } from "./command-options.ts";

export interface FailbackRequest {
  readonly profile: string;
  readonly isJson: boolean;
  readonly socketPath: string;
}

/** Adds `tlsd failback`. */
export function addFailback(
  program: Command,
  run: (request: FailbackRequest) => Promise<void>,
): void {
  const command = program
    .command("failback")
    .description("let the servers of a profile serve again in place of its standby servers")
    .argument("<name>", "name of the profile")
    .addOption(socketOption())
    .addOption(jsonOption());
  command.action(async (profile: string) => {
    const { socket, json } = command.opts<{ readonly socket: string; readonly json?: true }>();
    await run({ profile, isJson: json === true, socketPath: socket });
  });
  command.addHelpText(
    "after",
    "\nIt is refused while no server of the profile is up. The document does not change.",
  );
  withExamples(command, ["tlsd failback shop"]);
}
