import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { categories, type Category } from "./cases/cases.ts";
import type { ResumptionOptions } from "./certificates/run-resumption.ts";
import type { CertificatesOptions } from "./certificates/run-certificates.ts";
import type { ChangesOptions } from "./changes/run-changes.ts";
import type { PlanOptions } from "./cases/plan-comparisons.ts";
import { profileLoads, type ProfileLoad } from "./profile/profile-workers.ts";
import { defaultVariants, variants, type Variant } from "./proxies/director.ts";
import type { WantedProxies } from "./proxies/find-proxies.ts";
import { peerNames, type PeerName } from "./proxies/peers.ts";

export type MeasureOptions = PlanOptions & WantedProxies;

export interface ProfileOptions {
  readonly loads: readonly ProfileLoad[];
  readonly engines: readonly Variant[];
}

export interface Actions {
  readonly resumption: (options: ResumptionOptions) => Promise<void> | void;
  readonly certificates: (options: CertificatesOptions) => Promise<void> | void;
  readonly changes: (options: ChangesOptions) => Promise<void> | void;
  readonly measure: (options: MeasureOptions) => Promise<void> | void;
  readonly profile: (options: ProfileOptions) => Promise<void> | void;
  readonly show: (resultPath: string) => Promise<void> | void;
}

interface Flags {
  readonly only?: readonly string[];
  readonly peers?: readonly PeerName[];
  readonly engines?: readonly Variant[];
  readonly against?: string;
  readonly runs?: number;
  readonly quick?: boolean;
  readonly profile?: boolean;
}

interface ChangesFlags {
  readonly engines?: readonly Variant[];
  readonly vnics?: number;
  readonly runs?: number;
  readonly peer: boolean;
}

interface ResumptionFlags {
  readonly engines?: readonly Variant[];
  readonly clients?: number;
}

const maxClients = 20_000;
interface CertificatesFlags {
  readonly engines?: readonly Variant[];
  readonly count?: number;
  readonly runs?: number;
  readonly peer: boolean;
}

const maxRuns = 100;
const maxVnics = 10_000;
const maxCertificates = 10_000;
const examples = `
Examples:
  npm run bench
  npm run bench -- handshakes memory --peers haproxy --engines bun --quick
  npm run bench -- handshakes --peers none --engines bun --against ../before --runs 9
  npm run bench -- requests --profile --engines bun
  npm run bench -- http --only http-48,http-16k --peers haproxy
  npm run bench -- changes --vnics 10000 --engines bun
  npm run bench -- resumption --engines bun
  npm run bench -- certificates --runs 1
  npm run bench -- show docs/bench-result.json`;

/** The command line of the bench. Parsing throws commander's CommanderError after it has printed the help or what is wrong. */
export function buildProgram(actions: Actions): Command {
  const { measure, profile, show, changes, resumption, certificates } = actions;
  const program = new Command("npm run bench --")
    .description(
      "Measures the director and other TLS proxies on this machine. Prints tables and writes bench/results.",
    )
    .addArgument(
      new Argument("[categories...]", "what to measure (default: all)").choices(categories),
    )
    .option("--only <names>", "only these cases of the categories", (text) => text.split(","))
    .option("--peers <names>", `${peerNames.join(",")} or none (default: all)`, listOf(peerNames))
    .option(
      "--engines <names>",
      `${variants.join(",")} or none (default: ${defaultVariants.join(",")})`,
      listOf(variants),
    )
    .option(
      "--against <folder>",
      "also measure the director of another working tree, as before/<engine>",
      parseWorkingTree,
    )
    .option(
      "--runs <count>",
      "runs of each case (default: 5; memory and growth: 3; with --quick: 3)",
      parseRuns,
    )
    .option("--quick", "do a quarter of the operations, for a first look")
    .option(
      "--profile",
      `write CPU profiles of a worker under ${profileLoads.join(", ")} to bench/work/profiles`,
    )
    // The options of subcommands have the names of others.
    .enablePositionalOptions()
    .addHelpText("after", examples)
    .exitOverride()
    .action((given: readonly Category[], flags: Flags) => {
      const { only, peers = peerNames, engines = defaultVariants, against, runs, quick } = flags;
      const isWanted = (name: Category): boolean => given.length === 0 || given.includes(name);
      if (!flags.profile) {
        const wanted = { categories: categories.filter(isWanted), peers, engines };
        return measure({ ...wanted, only, against, runs, isQuick: quick ?? false });
      }
      const loads = profileLoads.filter(isWanted);
      if (loads.length > 0) return profile({ loads, engines });
      const message = `error: --profile works with ${profileLoads.join(", ")}`;
      return program.error(message, { exitCode: 2 });
    });
  program
    .command("changes")
    .description("measure what changes and views of a director with many vNICs cost")
    .option("--engines <names>", "bun,node (default: both)", listOf(defaultVariants))
    .option("--vnics <count>", "number of vNICs (default: 2000)", parseCount(4, maxVnics))
    .option("--runs <count>", "directors of each engine (default: 3)", parseRuns)
    .option("--no-peer", "do not measure a reload of HAProxy")
    .action((flags: ChangesFlags) => {
      const { engines = defaultVariants, vnics = 2_000, runs = 3, peer } = flags;
      return changes({ engines, vnics, runs, hasPeer: peer });
    });
  program
    .command("resumption")
    .description("measure the minute after a rotation, with clients that have a session")
    .option("--engines <names>", "bun,node (default: both)", listOf(defaultVariants))
    .option("--clients <count>", "number of clients (default: 5000)", parseCount(1, maxClients))
    .action(({ engines = defaultVariants, clients = 5_000 }: ResumptionFlags) =>
      resumption({ engines, clients, seconds: 60 }),
    );
  program
    .command("certificates")
    .description("measure start and rotations of a listener with many certificates")
    .option("--engines <names>", "bun,node (default: both)", listOf(defaultVariants))
    .option(
      "--count <count>",
      "number of certificates (default: 10000)",
      parseCount(100, maxCertificates),
    )
    .option("--runs <count>", "directors of each engine (default: 3)", parseRuns)
    .option("--no-peer", "do not measure HAProxy")
    .action((flags: CertificatesFlags) => {
      const { engines = defaultVariants, count = maxCertificates, runs = 3, peer } = flags;
      return certificates({ engines, certificates: count, runs, hasPeer: peer });
    });
  program
    .command("show")
    .description("print the tables of an earlier result, and draw its chart beside it")
    .argument("<result>", "a JSON file that the bench has written")
    .action(show);
  return program;
}

function listOf<Name extends string>(names: readonly Name[]): (text: string) => readonly Name[] {
  return (text) => {
    const given = text === "none" ? [] : text.split(",");
    const unknown = given.find((word) => !names.some((name) => name === word));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(`'${unknown}' is not one of ${names.join(", ")}, none.`);
    }
    return names.filter((name) => given.includes(name));
  };
}

function parseWorkingTree(text: string): string {
  const folder = resolve(text);
  if (!existsSync(join(folder, "src/main.ts")) || !existsSync(join(folder, "node_modules"))) {
    throw new InvalidArgumentError(
      "It must be a working tree with installed packages. Run `git worktree add FOLDER REVISION`, then `npm ci` in it.",
    );
  }
  return folder;
}

const parseRuns = parseCount(1, maxRuns);

function parseCount(least: number, most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= least && count <= most) return count;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
