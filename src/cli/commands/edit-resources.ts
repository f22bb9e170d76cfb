import { Argument, type Command, type Option } from "commander";
import { LOG_LEVELS } from "#model/log-level.ts";
import { ADMIN_STATES, NAMED_KINDS, type NamedKind } from "#cli/named-kind.ts";
import {
  addChangeOptions,
  changeTermsOf,
  revisionArgument,
  type ChangeTerms,
} from "./change-options.ts";
import {
  deadlineOption,
  drainOption,
  durationOption,
  jsonOption,
  socketOption,
  withExamples,
} from "./command-options.ts";

export interface ResourceRequest extends ChangeTerms {
  readonly verb: "add" | "set" | "remove";
  readonly kind: NamedKind;
  readonly name: string;
  /** Arguments such as `timeouts.idle=60s`. */
  readonly settings: readonly string[];
  /** How long open connections to servers that a profile leaves may go on. */
  readonly drain: string | undefined;
  /** How long open connections to a server that drains or is down may go on. */
  readonly cut: string | undefined;
}

export interface LogLevelRequest {
  readonly level: string;
  readonly forMs: number;
  readonly socketPath: string;
  readonly isJson: boolean;
}

export interface MasterKeyRequest {
  readonly socketPath: string;
  readonly isJson: boolean;
}

/** One setting, for the help of its kind. */
interface SettingHelp {
  readonly name: string;
  readonly description: string;
}

export interface ResourceRuns {
  readonly resource: (request: ResourceRequest) => Promise<void>;
  readonly logLevel: (request: LogLevelRequest) => Promise<void>;
  readonly masterKey: (request: MasterKeyRequest) => Promise<void>;
  readonly removeVersion: (request: RemoveVersionRequest) => Promise<void>;
  /** The settings of a kind for its help. Undefined if no help is printed, because the schema takes long to load. */
  readonly settingsOf: ((kind: NamedKind) => readonly SettingHelp[]) | undefined;
}

interface KindUsage {
  readonly what: string;
  readonly name: string;
  readonly add: readonly string[];
  readonly set: readonly string[];
}

const KINDS: Readonly<Record<NamedKind, KindUsage>> = {
  server: {
    what: "a server",
    name: "name of the server",
    add: ["web-3 address=192.0.2.13"],
    set: ["web-3 address=192.0.2.14 --reason 'new host'", "web-3 drain --cut 30s", "web-3 up"],
  },
  profile: {
    what: "a profile",
    name: "name of the profile",
    add: ["shop servers=web-1,web-2 balance=least-connections"],
    set: ["shop servers+=web-3", "shop servers-=web-1 --drain 30s"],
  },
  vnic: {
    what: "a vNIC",
    name: "name of the vNIC, `<vnic>.<profile>`",
    add: ["front.shop ip=198.51.100.10"],
    set: ["front.shop down", "front.shop qos.rate=100m_1g qos.maxConnections="],
  },
  listener: {
    what: "a listener",
    name: "name of the listener, `<vnic>.<profile>:<port>`",
    add: [
      "front.shop:443 to=8080 certificates=shop",
      "front.shop:8443 mode=http to=8080 certificates=shop",
      "front.shop:80 mode=redirect",
    ],
    set: ["front.shop:443 timeouts.idle=60s", "front.shop:443 to=unix:/run/shop.sock"],
  },
  policy: {
    what: "a TLS policy",
    name: "name of the policy",
    add: ["partners clientAuth.mode=require clientAuth.ca=certs/partners.pem"],
    set: ["partners minVersion=TLSv1.3"],
  },
  certificate: {
    what: "a certificate",
    name: "name of the certificate",
    add: ["shop chain=certs/shop.pem key=certs/shop.key"],
    set: ["shop passphrase=- < passphrase.txt"],
  },
};

export interface RemoveVersionRequest extends ChangeTerms {
  readonly name: string;
  readonly version: number;
}

const SYNTAX = [
  "A setting is SETTING=VALUE. Without a value it is removed, and its default applies. A list is",
  "separated by commas; SETTING+=VALUE adds to a list, and SETTING-=VALUE takes from it. Lists and maps",
  "can be JSON. Relative paths are relative to the current folder. A secret that is - is read from",
  "standard input.",
].join("\n");

const DESCRIPTIONS = {
  add: "add a part to the document of a running director",
  set: "change settings of a running director",
  remove: "remove a part from the document of a running director",
} as const;

/** Adds `tlsd add|set|remove KIND NAME`, with one command for each kind, so that each has its own help. */
export function addResourceCommands(program: Command, runs: ResourceRuns): void {
  for (const verb of ["add", "set", "remove"] as const) {
    const group = program.command(verb).helpCommand(false).description(DESCRIPTIONS[verb]);
    for (const kind of Object.keys(NAMED_KINDS) as readonly NamedKind[]) {
      addKind(group, verb, kind, runs);
    }
    if (verb === "remove") addRemoveVersion(group, runs.removeVersion);
    if (verb === "set") {
      addLogLevel(group, runs.logLevel);
      addMasterKey(group, runs.masterKey);
    }
    const example = verb === "remove" ? "server web-3" : `server ${KINDS.server[verb][0]}`;
    withExamples(group, [`tlsd ${verb} ${example}`]);
  }
}

function addKind(
  group: Command,
  verb: ResourceRequest["verb"],
  kind: NamedKind,
  { resource, settingsOf }: ResourceRuns,
): void {
  const { what, name, add, set } = KINDS[kind];
  const command = group.command(kind).argument("<name>", name);
  if (verb === "remove") {
    command.description(`remove ${what}; \`tlsd undo\` brings it back`);
  } else {
    command.description(verb === "add" ? `add ${what}` : `change settings of ${what}`);
    const states = ADMIN_STATES[kind] ?? [];
    const words =
      verb === "set" && states.length > 0
        ? `SETTING=VALUE, or ${states.join(" or ")}`
        : "SETTING=VALUE";
    command.argument(verb === "add" ? "[settings...]" : "<settings...>", words);
    command.addHelpText("after", () => settingsHelp(command, settingsOf?.(kind) ?? []));
  }
  if (verb === "set" && kind === "profile") command.addOption(drainOption());
  if (verb === "set" && kind === "server") command.addOption(cutOption());
  addChangeOptions(command).action(async (given: string, settings: unknown) => {
    await resource({
      verb,
      kind,
      name: given,
      settings: Array.isArray(settings) ? (settings as readonly string[]) : [],
      drain: undefined,
      cut: undefined,
      ...command.opts<Partial<Pick<ResourceRequest, "drain" | "cut">>>(),
      ...changeTermsOf(command),
    });
  });
  const [example = ""] = add;
  const [own = ""] = example.split(" ");
  const lines = { add, set, remove: [own] }[verb];
  withExamples(
    command,
    lines.map((line) => `tlsd ${verb} ${kind} ${line}`),
  );
}

const cutOption = (): Option =>
  deadlineOption(
    "--cut <duration>",
    "with drain or down: how long open connections may go on; 0 cuts them (default: until they end)",
  );

function settingsHelp(command: Command, settings: readonly SettingHelp[]): string {
  if (settings.length === 0) return "";
  const helper = command.createHelp();
  helper.prepareContext({ helpWidth: command.configureOutput().getOutHelpWidth?.() ?? 80 });
  const width = Math.max(...settings.map(({ name }) => name.length));
  const lines = settings.map(({ name, description }) =>
    helper.formatItem(name, width, description, helper),
  );
  return `\n${SYNTAX}\n\nSettings:\n${lines.join("\n")}`;
}

function addLogLevel(group: Command, run: ResourceRuns["logLevel"]): void {
  const command = group
    .command("log-level")
    .description("log another level for a time; the level of the start then returns by itself")
    .addArgument(new Argument("<level>", "lowest level that is logged").choices(LOG_LEVELS))
    .addOption(durationOption("--for <duration>", "how long", "10m"))
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async (level: string) => {
      const options = command.opts<{
        readonly for: number;
        readonly socket: string;
        readonly json?: true;
      }>();
      await run({
        level,
        forMs: options.for,
        socketPath: options.socket,
        isJson: options.json === true,
      });
    });
  withExamples(command, ["tlsd set log-level debug", "tlsd set log-level trace --for 1m"]);
}

function addMasterKey(group: Command, run: ResourceRuns["masterKey"]): void {
  const command = group
    .command("master-key")
    .description(
      "change to the master key that director.masterKey in the file of the document names",
    )
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async () => {
      const { socket, json } = command.opts<{ readonly socket: string; readonly json?: true }>();
      await run({ socketPath: socket, isJson: json === true });
    });
  command.addHelpText(
    "after",
    "\ndirector.previousMasterKey names the place of the key in use. If the file of the new key does not" +
      "\nexist, the director makes it. The kill of a director during the change does no harm.",
  );
  withExamples(command, ["tlsd set master-key"]);
}

function addRemoveVersion(group: Command, run: ResourceRuns["removeVersion"]): void {
  const command = group
    .command("certificate-version")
    .description("remove a version of a certificate that is not active; its private key is erased")
    .argument("<certificate>", "name of the certificate")
    .addArgument(new Argument("<version>", "number of the version").argParser(revisionArgument));
  addChangeOptions(command).action(async (name: string, version: number) => {
    await run({ name, version, ...changeTermsOf(command) });
  });
  withExamples(command, ["tlsd remove certificate-version shop 3"]);
}
