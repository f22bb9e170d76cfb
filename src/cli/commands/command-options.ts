import { InvalidArgumentError, Option, type Command } from "commander";

export const jsonOption = (): Option => new Option("--json", "print JSON, also of a failure");

/** An option whose value is an integer of the range, or one of `words`. */
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
    throw new InvalidArgumentError(`It is ${[range, ...words].join(" or ")}.`);
  });
}

/** Examples below the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): void {
  const title = examples.length === 1 ? "Example:" : "Examples:";
  command.addHelpText("after", ["", title, ...examples.map((line) => `  ${line}`)].join("\n"));
}
