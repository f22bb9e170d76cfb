import { Option, type Command } from "commander";
import { HANDSHAKE_FAILURE_NAMES, HANDSHAKE_GROUPINGS } from "#model/records/outcome.ts";
import { SHOW_KINDS, type ShowKind } from "#cli/show/show-kind.ts";
import type { ShowRequest } from "#cli/show/run-show.ts";
import {
  CONNECTION_FILTERS,
  givenFilters,
  integerOption,
  jsonOption,
  socketOption,
  withExamples,
} from "./command-options.ts";

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
  servers: {
    description:
      "servers with their admin/oper state, connections and last error; those that are down first",
    name: "a server",
    examples: ["tlsd show servers", "tlsd show servers 'web-*' --watch"],
  },
  vnics: {
    description: "vNICs with their admin/oper state, virtual IP, endpoints and rates",
    name: "a vNIC, or a profile for all of its vNICs",
    examples: ["tlsd show vnics", "tlsd show vnics shop", "tlsd show vnics 'front.*'"],
  },
  listeners: {
    description: "listeners, their endpoints and the number of open connections",
    name: "a listener, or a vNIC for all of its listeners",
    examples: ["tlsd show listeners", "tlsd show listeners front.shop:8443 --watch"],
  },
  certificates: {
    description:
      "certificates: what needs attention first, the version that is served, and files that were refused",
    name: "a certificate",
    examples: [
      "tlsd show certificates",
      "tlsd show certificates shop --json",
      "tlsd show certificates '*.example'",
    ],
  },
  certificate: {
    description:
      "one certificate: its chain and its facts, what needs attention, the listeners that use it and its handshakes",
    name: "a certificate",
    isNameRequired: true,
    examples: ["tlsd show certificate shop", "tlsd show certificate '*.shop.example' --json"],
  },
  profiles: {
    description: "profiles with their servers and vNICs",
    name: "a profile",
    examples: ["tlsd show profiles", "tlsd show profiles shop --json"],
  },
  policies: {
    description: "TLS policies, and the listeners that use them",
    name: "a policy",
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
    examples: [
      "tlsd show handshakes --failed",
      "tlsd show handshakes front.shop --limit 20",
      "tlsd show handshakes --group cause,listener",
      "tlsd show handshakes --cause deadline --group client",
    ],
  },
  connections: {
    description: "open connections with age, bytes and rate, also those of removed vNICs",
    name: "a listener, or a vNIC for all of its listeners",
    examples: [
      "tlsd show connections front.shop",
      "tlsd show connections --client 192.0.2.0/24 --watch",
    ],
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

/** The options of a kind that are filters of the admin API. */
const FILTERS: Readonly<Partial<Record<ShowKind, readonly Option[]>>> = {
  handshakes: [
    new Option(
      "--group <by>",
      `show groups with their numbers instead: ${HANDSHAKE_GROUPINGS.join(", ")}, or several with commas`,
    ),
    new Option("--cause <cause>", "only those that failed for this cause").choices(
      HANDSHAKE_FAILURE_NAMES,
    ),
    new Option("--client <address>", "only those of this client"),
    new Option("--server-name <name>", "only those with this server name"),
  ],
  connections: CONNECTION_FILTERS,
};

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
      const isPattern = usage.isNameRequired !== true;
      command.argument(
        isPattern ? "[name]" : "<name>",
        isPattern ? `${usage.name}; \`*\` matches any characters` : usage.name,
      );
    }
    if (kind === "handshakes") {
      command.option(
        "--failed",
        "only failed handshakes (the default; successful ones are not kept)",
      );
    }
    if (kind === "handshakes" || kind === "connections") {
      command.addOption(
        integerOption("--limit <count>", `how many ${kind}`, 1, MAX_LIMIT).default(DEFAULT_LIMIT),
      );
    }
    if (kind === "history") {
      command.addOption(
        integerOption("--limit <count>", "how many revisions", 1, MAX_REVISIONS).default(
          DEFAULT_REVISIONS,
        ),
      );
    }
    const filters = FILTERS[kind] ?? [];
    for (const option of filters) command.addOption(option);
    command
      .addOption(socketOption())
      .option("--watch", "print every 2 s until interrupted; on a terminal, in place")
      .addOption(jsonOption())
      .action(async () => {
        const options = command.opts<ShowOptions>();
        const [name] = command.args;
        const given = givenFilters(command, filters);
        if (name !== undefined && ("vnic" in given || "listener" in given)) {
          command.error("error: give a vNIC or a listener as NAME or by an option, not both.");
        }
        await run({
          kind,
          name,
          limit: options.limit ?? DEFAULT_LIMIT,
          filters: given,
          isJson: options.json === true,
          isWatching: options.watch === true,
          socketPath: options.socket,
        });
      });
    withExamples(command, usage.examples);
  }
}
