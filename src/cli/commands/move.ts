import type { Command } from "commander";
import { addChangeOptions, changeTermsOf, type ChangeTerms } from "./change-options.ts";
import { drainOption, withExamples } from "./command-options.ts";

export interface MoveRequest extends ChangeTerms {
  readonly profile: string;
  /** The servers that the profile lives on from now on. */
  readonly to: readonly string[];
  /** How long open connections to the other servers may go on. */
  readonly drain: string | undefined;
}

export interface AdoptRequest extends ChangeTerms {
  /** The name of the server that is adopted. */
  readonly server: string;
  readonly by: string;
  /** How long open connections to the adopted server may go on. */
  readonly drain: string | undefined;
}

export interface IdentityRuns {
  readonly move: (request: MoveRequest) => Promise<void>;
  readonly adopt: (request: AdoptRequest) => Promise<void>;
}

/** Adds `tlsd move` and `tlsd adopt`. */
export function addIdentityCommands(program: Command, runs: IdentityRuns): void {
  const move = program
    .command("move")
    .helpCommand(false)
    .description("move a profile to other servers");
  const moveProfile = move
    .command("profile")
    .description("move a profile to other servers; its virtual IPs and its open connections stay")
    .argument("<name>", "name of the profile")
    .requiredOption("--to <name...>", "the servers that it lives on from now on")
    .addOption(drainOption());
  addChangeOptions(moveProfile).action(async (profile: string) => {
    const { to, drain } = moveProfile.opts<Pick<MoveRequest, "to" | "drain">>();
    await runs.move({ profile, to, drain, ...changeTermsOf(moveProfile) });
  });
  const moves = [
    "tlsd move profile shop --to web-2",
    "tlsd move profile shop --to web-2 --drain 30s",
    "tlsd move profile shop --to web-2 web-3 --dry-run",
  ];
  withExamples(move, moves);
  withExamples(moveProfile, moves);

  const adopt = program
    .command("adopt")
    .description("let another server take over every profile of a server")
    .argument("<name>", "the server whose profiles are taken over")
    .requiredOption("--by <name>", "the server that takes them over")
    .addOption(drainOption());
  addChangeOptions(adopt).action(async (server: string) => {
    const { by, drain } = adopt.opts<Pick<AdoptRequest, "by" | "drain">>();
    await runs.adopt({ server, by, drain, ...changeTermsOf(adopt) });
  });
  withExamples(adopt, [
    "tlsd adopt web-1 --by web-2 --reason 'web-1 has failed'",
    "tlsd adopt web-1 --by web-2 --drain 5m",
  ]);
}
