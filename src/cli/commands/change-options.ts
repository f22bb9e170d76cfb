import { InvalidArgumentError, Option, type Command } from "commander";
import { durationOption, integerOption, jsonOption, socketOption } from "./command-options.ts";

/** What every command that changes the document can be told. */
export interface ChangeTerms {
  readonly socketPath: string;
  readonly timeoutMs: number;
  readonly isJson: boolean;
  readonly isDryRun: boolean;
  /** The revision that must be in force. Undefined for any. */
  readonly ifRevision: number | undefined;
  readonly reason: string | undefined;
  readonly forgetsSessions: boolean;
}

interface ChangeOptions {
  readonly socket: string;
  readonly timeout: number;
  readonly json?: true;
  readonly dryRun?: true;
  readonly ifRevision?: number;
  readonly reason?: string;
  readonly forgetSessions?: true;
}

const MAX_REVISION = 999_999_999;
/** The limit of the admin API. */
const MAX_REASON_LENGTH = 500;

export const addChangeOptions = (command: Command): Command =>
  command
    .option("--dry-run", "only print what would change; workers are not asked")
    .addOption(
      integerOption(
        "--if-revision <number>",
        "refuse the change unless this revision is in force",
        0,
        MAX_REVISION,
      ),
    )
    .addOption(
      new Option("--reason <text>", "why; it is shown in the history").argParser((text) => {
        if (text.length <= MAX_REASON_LENGTH) return text;
        throw new InvalidArgumentError(`It must have at most ${MAX_REASON_LENGTH} characters.`);
      }),
    )
    .option(
      "--forget-sessions",
      "end the sessions of listeners whose clients are shown another certificate",
    )
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long to wait for the result", "60s"))
    .addOption(jsonOption());

export function changeTermsOf(command: Command): ChangeTerms {
  const options = command.opts<ChangeOptions>();
  return {
    socketPath: options.socket,
    timeoutMs: options.timeout,
    isJson: options.json === true,
    isDryRun: options.dryRun === true,
    ifRevision: options.ifRevision,
    reason: options.reason,
    forgetsSessions: options.forgetSessions === true,
  };
}

/** An argument that commander has checked to be there. */
export const revisionArgument = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be the number of a revision.");
};
