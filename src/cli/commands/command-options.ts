import { InvalidArgumentError, Option, type Command } from "commander";
import { DURATION_PATTERN, durationMsOf, tryDeadlineMs } from "#model/units.ts";

export const DEFAULT_SOCKET = "data/tlsd.sock";

export const jsonOption = (): Option => new Option("--json", "print JSON, also for failures");

export const socketOption = (): Option =>
  new Option("--socket <path>", "the admin socket").default(DEFAULT_SOCKET).env("TLSD_SOCKET");

/** Builds an option that takes a duration as the document writes it, such as `30s`, and parses it to milliseconds. */
export function durationOption(flags: string, description: string, text: string): Option {
  const isDuration = new RegExp(DURATION_PATTERN);
  return new Option(flags, description).default(durationMsOf(text), text).argParser((given) => {
    if (isDuration.test(given)) return durationMsOf(given);
    throw new InvalidArgumentError("It must be a duration such as 60s, 500ms or 5m.");
  });
}

/** Builds an option that takes a deadline for open connections, such as `30s`. */
export function deadlineOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((given) => {
    if (tryDeadlineMs(given) !== undefined) return given;
    throw new InvalidArgumentError("It must be 0, or a duration such as 30s or 5m, at most 24h.");
  });
}

/** The option of every command by which profiles leave servers. */
export const drainOption = (): Option =>
  deadlineOption(
    "--drain <duration>",
    "how long open connections to servers that are left may go on; 0 cuts them (default: until they end)",
  );

/** Builds an option that takes an integer from `minimum` to `maximum`, or one of `words`. */
export function integerOption(
  flags: string,
  description: string,
  minimum: number,
  maximum: number,
  words: readonly string[] = [],
): Option {
  return new Option(flags, description).argParser((text) => {
    if (words.includes(text)) return text;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum) return value;
    const range = `an integer from ${minimum} to ${maximum}`;
    throw new InvalidArgumentError(`It must be ${[range, ...words].join(" or ")}.`);
  });
}

/** The options that select open connections. */
export const CONNECTION_FILTERS: readonly Option[] = [
  new Option("--vnic <name>", "only those of this vNIC; `*` matches any characters"),
  new Option("--listener <name>", "only those of this listener; `*` matches any characters"),
  new Option(
    "--server <name>",
    "only those whose endpoint is on this server; `*` matches any characters",
  ),
  new Option("--client <address>", "only those of this client, or of the clients in a CIDR"),
];

/** Returns the values of options that are filters of the admin API. Options and filters have the same names. */
export const givenFilters = (
  command: Command,
  options: readonly Option[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    options.flatMap((option) => {
      const name = option.attributeName();
      const given: unknown = command.getOptionValue(name);
      return typeof given === "string" ? [[name, given]] : [];
    }),
  );

/** Adds examples to the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): void {
  const title = examples.length === 1 ? "Example:" : "Examples:";
  command.addHelpText("after", ["", title, ...examples.map((line) => `  ${line}`)].join("\n"));
}
