import { Argument, Command, InvalidArgumentError } from "commander";
import { caseNames, type CaseName } from "./bench-case.ts";
import { engines, type Engine } from "./subjects/director.ts";
import { peerNames, type PeerName } from "./subjects/find-subjects.ts";

export interface BenchOptions {
  readonly cases: readonly CaseName[];
  readonly peers: readonly PeerName[];
  readonly engines: readonly Engine[];
  readonly runs: number;
  readonly isQuick: boolean;
}

const fullRuns = 5;
const quickRuns = 3;
const maxRuns = 100;

/** Throws commander's CommanderError after it has printed what is wrong, or the help. */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const command = new Command("npm run bench --")
    .description(
      "Compares the director with other TLS proxies on this machine, side by side, one core each:\n" +
        "CPU time per handshake, per request and per GB, and memory per idle connection.",
    )
    .addArgument(
      new Argument("[cases...]", "what to measure; all when none is given").choices(caseNames),
    )
    .option(
      "--peers <names>",
      `of ${peerNames.join(",")}, or none; all by default`,
      listOf(peerNames),
    )
    .option(
      "--engines <names>",
      `of ${engines.join(",")}, or none; all by default`,
      listOf(engines),
    )
    .option("--runs <count>", `runs of each; ${fullRuns}, or ${quickRuns} with --quick`, parseRuns)
    .option("--quick", "a quarter of the load: for a first look, not for a claim")
    .addHelpText(
      "after",
      "\nExample:\n  npm run bench -- handshakes memory --peers haproxy --engines bun --quick",
    )
    .exitOverride()
    .parse(argv, { from: "user" });
  const options = command.opts<{
    peers?: readonly PeerName[];
    engines?: readonly Engine[];
    runs?: number;
    quick?: boolean;
  }>();
  const wanted = command.args;
  return {
    cases: caseNames.filter((name) => wanted.length === 0 || wanted.includes(name)),
    peers: options.peers ?? peerNames,
    engines: options.engines ?? engines,
    runs: options.runs ?? (options.quick ? quickRuns : fullRuns),
    isQuick: options.quick ?? false,
  };
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

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > maxRuns) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maxRuns}.`);
  }
  return runs;
}
