import { DirectorError } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
import { UsageError } from "#cli/usage-error.ts";
import { MAX_SECRET_LENGTH } from "./ask-secret.ts";
import { readSecretFile } from "./read-secret-file.ts";

export interface PassphraseParts {
  /** Reads standard input for the path `-`. */
  readonly readInput: (path: string) => Promise<Uint8Array>;
  /** Asks on the terminal without showing the answer. Undefined if the command has no terminal. */
  readonly askSecret: ((question: string) => Promise<string | undefined>) | undefined;
}

/**
 * Returns the passphrase that the first line of a file holds, or of standard input if `path` is `-`. Spaces at its ends are part of it.
 * A passphrase is never an argument of a command, because every user of the machine sees those. Rejects with
 * `file-unreadable`, or with UsageError if the line cannot be a passphrase.
 */
export async function readPassphraseFile(
  path: string,
  { readInput }: Pick<PassphraseParts, "readInput">,
): Promise<string> {
  const name = path === "-" ? "standard input" : quoted(path);
  const bytes = await (path === "-" ? readInput(path) : readSecretFile(path)).catch(
    (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const detail = `The passphrase cannot be read from ${name}: ${reason}`;
      throw new DirectorError("file-unreadable", detail, { cause });
    },
  );
  const [line = ""] = textOf(bytes, name).split(/\r?\n/, 1);
  // An empty line is more likely a failed command before a pipe than an empty passphrase, which need not be given.
  if (line === "") throw new UsageError(`The first line of ${name} is empty.`);
  return checked(line);
}

/** Asks for a passphrase on the terminal. Rejects with UsageError if there is none, or if no answer is given. */
export async function askPassphrase(
  question: string,
  { askSecret }: Pick<PassphraseParts, "askSecret">,
): Promise<string> {
  if (askSecret === undefined) {
    throw new UsageError(
      "A passphrase is needed, and there is no terminal to ask for it. Name a file with --passphrase-file; - is standard input.",
    );
  }
  const answer = await askSecret(question);
  if (answer === undefined) throw new UsageError("No passphrase was given.");
  return checked(answer);
}

function checked(passphrase: string): string {
  if (passphrase.length <= MAX_SECRET_LENGTH) return passphrase;
  throw new UsageError(`A passphrase has at most ${MAX_SECRET_LENGTH} characters.`);
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`The passphrase in ${name} is not UTF-8 text.`, { cause });
  }
}
