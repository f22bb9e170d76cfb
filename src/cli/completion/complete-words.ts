import type { Argument, Command, Option } from "commander";
import { NAMED_KINDS, type NamedKind } from "#cli/named-kind.ts";

/** The shell completes a path. */
export const FILES = ":files";

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Names that only the running director knows. */
export interface NamesWanted {
  /** The word before the name: a kind, in the singular or in the plural, or another word. */
  readonly kind: string;
  /** The value of --socket on the command line. */
  readonly socketPath: string | undefined;
}

/** A setting of a kind, or the value of one, which only the schema of the document knows. */
export interface SettingsWanted {
  /** `add` or `set`. */
  readonly verb: string;
  readonly settingsOf: NamedKind;
  readonly socketPath: string | undefined;
}

export type Completion = readonly Candidate[] | typeof FILES | NamesWanted | SettingsWanted;

/** The names that commands give to values that are paths. */
const PATHS: readonly string[] = ["file", "folder", "path"];

/** The names that commands give to values that are names of something, and to settings. */
const NAME = "name";
const SETTINGS = "settings";

/** Returns what can stand for the last word, which may be incomplete. The words before it are complete. */
export function completeWords(program: Command, words: readonly string[]): Completion {
  const current = words.at(-1) ?? "";
  let command = program;
  const values: string[] = [];
  let pending: Option | undefined;
  let socketPath: string | undefined;
  for (const word of words.slice(0, -1)) {
    if (pending !== undefined) {
      if (pending.long === "--socket") socketPath = word;
      pending = undefined;
    } else if (word.startsWith("-")) {
      const option = command.options.find(({ long, short }) => long === word || short === word);
      pending = option?.required === true ? option : undefined;
    } else {
      const child = childrenOf(command).find((each) => each.name() === word);
      if (child === undefined) values.push(word);
      else command = child;
    }
  }
  const completion = completionOf(command, values, pending, current.startsWith("-"));
  if (completion === FILES) return FILES;
  if ("kind" in completion || "verb" in completion) return { ...completion, socketPath };
  return completion.filter(({ value }) => value.startsWith(current));
}

function completionOf(
  command: Command,
  values: readonly string[],
  option: Option | undefined,
  isOption: boolean,
):
  | readonly Candidate[]
  | typeof FILES
  | Omit<NamesWanted, "socketPath">
  | Omit<SettingsWanted, "socketPath"> {
  if (option !== undefined) {
    const name = /<([a-z-]+)(?:\.\.\.)?>/.exec(option.flags)?.[1];
    return name === NAME ? { kind: option.attributeName() } : valuesOf(option.argChoices, name);
  }
  if (isOption) {
    const options = command.createHelp().visibleOptions(command);
    return options.map(({ long, flags, description }) => ({ value: long ?? flags, description }));
  }
  const children = childrenOf(command);
  if (children.length > 0) return children.map(candidateOf);
  const argument = argumentAt(command, values.length);
  if (argument === undefined) return [];
  if (command.name() === "help") return childrenOf(command.parent ?? command).map(candidateOf);
  if (argument.name() === NAME) return { kind: values.at(-1) ?? command.name() };
  const kind = command.name();
  if (argument.name() === SETTINGS && isNamedKind(kind)) {
    return { verb: command.parent?.name() ?? "", settingsOf: kind };
  }
  return valuesOf(argument.argChoices, argument.name());
}

const isNamedKind = (word: string): word is NamedKind => Object.hasOwn(NAMED_KINDS, word);

function argumentAt({ registeredArguments }: Command, position: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[position] ?? (last?.variadic === true ? last : undefined);
}

function valuesOf(
  choices: readonly string[] | undefined,
  name: string | undefined,
): readonly Candidate[] | typeof FILES {
  if (choices !== undefined) return choices.map((value) => ({ value, description: "" }));
  return name !== undefined && PATHS.includes(name) ? FILES : [];
}

const childrenOf = (command: Command): readonly Command[] =>
  command.createHelp().visibleCommands(command);

const candidateOf = (command: Command): Candidate => ({
  value: command.name(),
  description: command.description(),
});
