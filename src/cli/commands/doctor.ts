import type { Command } from "commander";
import { jsonOption, socketOption, withExamples } from "./command-options.ts";

export interface DoctorRequest {
  readonly socketPath: string;
  readonly isJson: boolean;
}

interface DoctorOptions {
  readonly socket: string;
  readonly json?: true;
}

/** Adds `tlsd doctor`. */
export function addDoctor(program: Command, run: (request: DoctorRequest) => Promise<void>): void {
  const command = program
    .command("doctor")
    .description("check what the director needs of its machine, and print what mends it")
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async () => {
      const { socket, json } = command.opts<DoctorOptions>();
      await run({ socketPath: socket, isJson: json === true });
    });
  command.addHelpText("after", "\nExits with 1 if there is a problem. A warning is none.");
  withExamples(command, [
    "tlsd doctor",
    "tlsd doctor --json | jq '.[] | select(.result != \"ok\")'",
  ]);
}
