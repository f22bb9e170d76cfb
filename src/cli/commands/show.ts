import type { Command } from "commander";
import { SHOW_KINDS, type ShowKind } from "#cli/show/show-kind.ts";
import type { ShowRequest } from "#cli/show/run-show.ts";
import { integerOption, jsonOption, socketOption, withExamples } from "./command-options.ts";

interface KindUsage {
  readonly description: string;
  /** The description of NAME. Absent if the kind has no names. */
  readonly name?: string;
  readonly isNameRequired?: true;
  readonly examples: readonly string[];
}

const KINDS: Readonly<Record<ShowKind, KindUsage>> = {
  status: {
    description: "the director: state, revision, workers, and what needs attention",
    examples: ["tlsd show status", "tlsd show status --json | jq .revision"],
  },
  workers: {
    description: "the worker processes",
    name: "number of a worker",
    examples: ["tlsd show workers", "tlsd show workers --watch"],
  },
  vnics: {
    description: "vNICs with their admin/oper state and virtual IP",
    name: "a vNIC, or a profile for all of its vNICs",
    examples: ["tlsd show vnics", "tlsd show vnics shop"],
  },
  listeners: {
    description: "listeners, their endpoints and the number of open connections",
    name: "a listener, or a vNIC for all of its listeners",
    examples: ["tlsd show listeners", "tlsd show listeners front.shop:8443 --watch"],
  },
  certificates: {
    description: "certificates: the version that is served, and files that were refused",
    name: "a certificate, or a pattern in which `*` matches any characters",
    examples: [
      "tlsd show certificates",
      "tlsd show certificates shop --json",
      "tlsd show certificates '*.example'",
    ],
  },
  profiles: {
    description: "profiles with their servers and vNICs",
    name: "a profile, or a pattern in which `*` matches any characters",
    examples: ["tlsd show profiles", "tlsd show profiles shop --json"],
  },
  policies: {
    description: "TLS policies, and the listeners that use them",
    name: "a policy, or a pattern in which `*` matches any characters",
    examples: ["tlsd show policies"],
  },
  document: {
    description: "the document in force, without defaults; `tlsd export` prints it as a file",
    examples: ["tlsd show document", "tlsd show document --json | jq .servers"],
  },
  history: {
    description: "revisions of the document, the newest first: when, by whom and why",
    examples: ["tlsd show history", "tlsd show history --limit 5"],
  },
  revision: {
    description: "one revision of the document, and what it changed",
    name: "number of the revision",
    isNameRequired: true,
    examples: ["tlsd show revision 12"],
  },
  handshakes: {
    description: "failed handshakes, the newest first, with an explanation of the cause",
    name: "a listener, or a vNIC for all of its listeners",
    examples: ["tlsd show handshakes --failed", "tlsd show handshakes front.shop --limit 20"],
  },
};

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const DEFAULT_REVISIONS = 20;
/** The largest page of the admin API. */
const MAX_REVISIONS = 128;

interface ShowOptions {
  readonly socket: string;
  readonly json?: true;
  readonly watch?: true;
  readonly limit?: number;
}

/** Adds `tlsd show KIND [NAME]`, with one command per kind, so that each has its own help. */
export function addShow(program: Command, run: (request: ShowRequest) => Promise<void>): void {
  const show = program
    .command("show")
    .helpCommand(false)
    .description("show the state of a running director");
  withExamples(show, ["tlsd show status", "tlsd show vnics --watch"]);
  for (const kind of SHOW_KINDS) {
    const usage = KINDS[kind];
    const command = show.command(kind).description(usage.description);
    if (usage.name !== undefined) {
      command.argument(usage.isNameRequired === true ? "<name>" : "[name]", usage.name);
    }
    if (kind === "handshakes") {
      command
        .option("--failed", "only failed handshakes (the default; successful ones are not kept)")
        .addOption(
          integerOption("--limit <count>", "how many handshakes", 1, MAX_LIMIT).default(
            DEFAULT_LIMIT,
          ),
        );
    }
    if (kind === "history") {
      command.addOption(
        integerOption("--limit <count>", "how many revisions", 1, MAX_REVISIONS).default(
          DEFAULT_REVISIONS,
        ),
      );
    }
    command
      .addOption(socketOption())
      .option("--watch", "print every 2 s until interrupted")
      .addOption(jsonOption())
      .action(async () => {
        const options = command.opts<ShowOptions>();
        await run({
          kind,
          name: command.args[0],
          limit: options.limit ?? DEFAULT_LIMIT,
          isJson: options.json === true,
          isWatching: options.watch === true,
          socketPath: options.socket,
        });
      });
    withExamples(command, usage.examples);
  }
}
