import type { Command } from "commander";
import {
  CONNECTION_FILTERS,
  givenFilters,
  jsonOption,
  socketOption,
  withExamples,
} from "./command-options.ts";

/** The connections to cut: at least one filter is given. */
export interface CutRequest {
  readonly filters: Readonly<Record<string, string>>;
  readonly isJson: boolean;
  readonly socketPath: string;
}

/** Adds `tlsd cut connections`. */
export function addCut(program: Command, run: (request: CutRequest) => Promise<void>): void {
  const cut = program.command("cut").helpCommand(false).description("cut open connections");
  const command = cut
    .command("connections")
    .description("cut the open connections that match every filter; new ones are not affected");
  for (const option of CONNECTION_FILTERS) command.addOption(option);
  command
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async () => {
      const filters = givenFilters(command, CONNECTION_FILTERS);
      if (Object.keys(filters).length === 0) {
        command.error("error: give at least one of --vnic, --listener, --server and --client");
      }
      const { socket, json } = command.opts<{ readonly socket: string; readonly json?: true }>();
      await run({ filters, isJson: json === true, socketPath: socket });
    });
  const examples = [
    "tlsd cut connections --client 192.0.2.7",
    "tlsd cut connections --server web-1 --vnic front.shop",
  ];
  withExamples(cut, examples);
  withExamples(command, examples);
}
