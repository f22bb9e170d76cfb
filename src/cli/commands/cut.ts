import type { Command } from "commander";
import { jsonOption, socketOption, withExamples } from "./command-options.ts";

/** The connections to cut: at least one filter is given. */
export interface CutRequest {
  readonly filters: Readonly<Record<string, string>>;
  readonly isJson: boolean;
  readonly socketPath: string;
}

interface CutOptions {
  readonly vnic?: string;
  readonly listener?: string;
  readonly server?: string;
  readonly client?: string;
  readonly socket: string;
  readonly json?: true;
}

/** Adds `tlsd cut connections`. */
export function addCut(program: Command, run: (request: CutRequest) => Promise<void>): void {
  const cut = program.command("cut").helpCommand(false).description("cut open connections");
  const command = cut
    .command("connections")
    .description("cut the open connections that match every filter; new ones are not affected")
    .option("--vnic <name>", "those of this vNIC")
    .option("--listener <name>", "those of this listener")
    .option("--server <name>", "those whose endpoint is on this server")
    .option("--client <address>", "those of the client with this address, or of a CIDR")
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async () => {
      const { vnic, listener, server, client, socket, json } = command.opts<CutOptions>();
      const given = Object.entries({ vnic, listener, server, client }).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, value] as const],
      );
      if (given.length === 0) {
        command.error("error: give at least one of --vnic, --listener, --server and --client");
      }
      const filters = Object.fromEntries(given);
      await run({ filters, isJson: json === true, socketPath: socket });
    });
  const examples = [
    "tlsd cut connections --client 192.0.2.7",
    "tlsd cut connections --server web-1 --vnic front.shop",
  ];
  withExamples(cut, examples);
  withExamples(command, examples);
}
