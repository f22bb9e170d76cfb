import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { familyNames, type FamilyName } from "./cases/bench-case.ts";
import { profileLoadNames, type ProfileLoadName } from "./profile/profile-loads.ts";
import { engines, variants, type Variant } from "./subjects/director.ts";
import { peerNames, type PeerName } from "./subjects/find-subjects.ts";

export interface BenchOptions {
  readonly task: "measure";
  readonly families: readonly FamilyName[];
  readonly peers: readonly PeerName[];
  readonly engines: readonly Variant[];
  /** Another working tree of the director, to measure beside this one. */
  readonly against: string | undefined;
  /** Of each case; its family's own when absent. */
  readonly runs: number | undefined;
  readonly isQuick: boolean;
}

export interface ProfileOptions {
  readonly task: "profile";
  readonly loads: readonly ProfileLoadName[];
  readonly engines: readonly Variant[];
}

export interface CompareOptions {
  readonly task: "compare";
  readonly beforePath: string;
  readonly afterPath: string;
}

export interface ReportOptions {
  readonly task: "report";
  readonly resultPath: string;
}

export type Options = BenchOptions | ProfileOptions | CompareOptions | ReportOptions;

const maxRuns = 100;

/** Throws commander's CommanderError after it has printed what is wrong, or the help. */
export function parseOptions(argv: readonly string[]): Options {
  let options: Options | undefined;
  const program = new Command("npm run bench --")
    .description(
      "Compares the director with other TLS proxies on this machine, side by side, one core each.\n" +
        `What to measure is of ${familyNames.join(", ")}; all of them when none is given.`,
    )
    .addHelpText(
      "after",
      "\nExamples:\n  npm run bench -- handshakes memory --peers haproxy --engines bun --quick\n" +
        "  npm run bench -- requests --profile --engines bun\n" +
        "  npm run bench -- handshakes --peers none --engines bun --against ../before --runs 9\n" +
        "  npm run bench -- compare bench/results/A.json bench/results/B.json",
    )
    .exitOverride();
  program
    .command("measure", { isDefault: true })
    .description("measure, print tables and write bench/results; `measure` may be left out")
    .addArgument(new Argument("[cases...]", "what to measure").choices(familyNames))
    .option(
      "--peers <names>",
      `of ${peerNames.join(",")}, or none; all by default`,
      listOf(peerNames),
    )
    .option(
      "--engines <names>",
      `of ${variants.join(",")}, or none; ${engines.join(",")} by default`,
      listOf(variants),
    )
    .option(
      "--against <folder>",
      "also the director of another working tree, as before/<engine>, in turns with this one",
      parseWorkingTree,
    )
    .option("--runs <count>", "runs of each; 5 (memory, growth: 3), 3 with --quick", parseRuns)
    .option("--quick", "a quarter of the load: for a first look, not for a claim")
    .option(
      "--profile",
      `no comparison: a worker's CPU profile under ${profileLoadNames.join(", ")}, into bench/work/profiles`,
    )
    .action(
      (
        wanted: readonly FamilyName[],
        given: {
          peers?: readonly PeerName[];
          engines?: readonly Variant[];
          against?: string;
          runs?: number;
          quick?: boolean;
          profile?: boolean;
        },
      ) => {
        if (given.profile) {
          const loads = profileLoadNames.filter(
            (name) => wanted.length === 0 || wanted.includes(name),
          );
          if (loads.length === 0)
            program.error(`error: --profile is for ${profileLoadNames.join(", ")}`, {
              exitCode: 2,
            });
          options = { task: "profile", loads, engines: given.engines ?? engines };
          return;
        }
        options = {
          task: "measure",
          families: familyNames.filter((name) => wanted.length === 0 || wanted.includes(name)),
          peers: given.peers ?? peerNames,
          engines: given.engines ?? engines,
          against: given.against,
          runs: given.runs,
          isQuick: given.quick ?? false,
        };
      },
    );
  program
    .command("compare")
    .description("show what changed between two results")
    .argument("<before>", "a JSON file of bench/results")
    .argument("<after>", "another one")
    .action((beforePath: string, afterPath: string) => {
      options = { task: "compare", beforePath, afterPath };
    });
  program
    .command("report")
    .description("make the report and the chart of a result again")
    .argument("<result>", "a JSON file of bench/results")
    .action((resultPath: string) => {
      options = { task: "report", resultPath };
    });
  program.parse(argv, { from: "user" });
  if (options === undefined) {
    throw new TypeError("No command was chosen.");
  }
  return options;
}

function listOf<Name extends string>(names: readonly Name[]): (text: string) => readonly Name[] {
  return (text) => {
    const given = text === "none" ? [] : text.split(",");
    const stray = given.find((word) => !names.some((name) => name === word));
    if (stray !== undefined) {
      throw new InvalidArgumentError(`'${stray}' is not one of ${names.join(", ")}, none.`);
    }
    return names.filter((name) => given.includes(name));
  };
}

function parseWorkingTree(text: string): string {
  const folder = resolve(text);
  if (!existsSync(join(folder, "src/main.ts")) || !existsSync(join(folder, "node_modules")))
    throw new InvalidArgumentError(
      "It must be a working tree with its packages: git worktree add FOLDER REVISION, then npm ci in it.",
    );
  return folder;
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > maxRuns) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maxRuns}.`);
  }
  return runs;
}
